package main

import (
	"errors"
	"os"
	"strconv"
	"syscall"
)

// polite gives this process what the others leave of the processors, and no more: it stands
// for clients that are elsewhere.
func polite() error {
	const last = 19
	var errs []error
	for range 2 { // a thread may have come in between, from one that was not there yet
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads { // later threads take after those they come from
			id, err := strconv.Atoi(t.Name())
			if err == nil {
				err = syscall.Setpriority(syscall.PRIO_PROCESS, id, last)
			}
			if !errors.Is(err, syscall.ESRCH) { // the thread has ended
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
