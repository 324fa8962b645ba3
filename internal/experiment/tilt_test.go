package experiment_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment"
)

// TestTiltHasWhatNeedsACluster: each of these experiments is a button under Tilt, and part of
// `tilt ci`.
func TestTiltHasWhatNeedsACluster(t *testing.T) {
	tiltfile, err := os.ReadFile("../../Tiltfile")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^for name in \[(.*)\]:\n +local_resource\(name, experiment`).FindSubmatch(tiltfile)
	if list == nil {
		t.Fatal("the Tiltfile has no list of experiments")
	}
	var got, want []string
	for _, name := range regexp.MustCompile(`'([^']*)'`).FindAllSubmatch(list[1], -1) {
		got = append(got, string(name[1]))
	}
	for _, e := range experiment.All() {
		if experiment.OnlyCluster(e) {
			want = append(want, e.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the Tiltfile's experiments, -want +got:\n%s", diff)
	}
}
