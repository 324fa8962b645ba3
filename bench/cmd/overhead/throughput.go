package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"reliability/bench/internal/server"
	"reliability/bench/internal/wire"
	"reliability/internal/serve"
	"reliability/internal/telemetry"
)

const name = "flaky" // of either server's service

// listenBare opens a server that gives the same answer and nothing else: Gin, and traces.
func listenBare(tel *telemetry.Telemetry) (*serve.Server, error) {
	body := server.Work()
	return server.Bare(tel, name, "/work", func(c *gin.Context) { c.Data(http.StatusOK, "application/json", body) })
}

// compare measures flaky beside bare, both in this process.
func (r *report) compare(ctx context.Context) error {
	work := wire.Request(http.MethodGet, "/work", "")
	return server.Beside(ctx, name, r.Clients, [2]server.Listen{server.Flaky, listenBare}, func(clients [2][]*wire.Client) error {
		mine, err := clients[0][0].Exchange(work)
		if err != nil {
			return err
		}
		theirs, err := clients[1][0].Exchange(work)
		if err != nil {
			return err
		}
		if !bytes.Equal(mine, theirs) {
			return fmt.Errorf("flaky answers %q and bare %q: they do not do the same", mine, theirs)
		}
		r.Throughput, err = wire.Compare(ctx, clients, work, r.Pairs, r.Slice)
		return err
	})
}
