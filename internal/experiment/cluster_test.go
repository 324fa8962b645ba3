package experiment

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"reliability/internal/experiment/world"
)

// TestScaledBack: whatever came of it, every Deployment is scaled back, and one that cannot
// be is said to.
func TestScaledBack(t *testing.T) {
	errAway, errRun := errors.New("the cluster is away"), errors.New("the run went wrong")
	for _, c := range []struct {
		name     string
		run      error
		refuses  string // what kubectl cannot do, from its beginning
		canceled bool
		want     []error
		asked    []string // after the run
	}{
		{name: "all is well", asked: []string{"scale b 2", "rolled out b", "scale a 2", "rolled out a"}},
		{name: "the run fails", run: errRun, want: []error{errRun}, asked: []string{"scale b 2", "rolled out b", "scale a 2", "rolled out a"}},
		{name: "the run is canceled", run: context.Canceled, canceled: true, want: []error{context.Canceled}, asked: []string{"scale b 2", "scale a 2"}},
		{name: "one stays scaled", refuses: "scale b", want: []error{errAway}, asked: []string{"scale b 2", "scale a 2", "rolled out a"}},
		{name: "one does not roll out", refuses: "rolled out a", want: []error{errAway}, asked: []string{"scale b 2", "rolled out b", "scale a 2", "rolled out a"}},
		{name: "both fail", run: errRun, refuses: "scale a", want: []error{errRun, errAway}, asked: []string{"scale b 2", "rolled out b", "scale a 2"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			kubectl := func(_ context.Context, args ...string) (string, error) {
				what := args[slices.Index(args, "--namespace")+2:]
				deployment := ""
				for _, arg := range what {
					if name, ok := strings.CutPrefix(arg, "deployment/"); ok {
						deployment = name
					}
				}
				line := "get " + deployment
				switch what[0] {
				case "scale":
					line = "scale " + deployment + " " + what[len(what)-1]
				case "rollout":
					line = "rolled out " + deployment
				}
				asked = append(asked, line)
				if c.refuses != "" && strings.HasPrefix(line, c.refuses) {
					return "", errAway
				}
				return "2", nil
			}
			r := &Run{System: &world.System{Kube: &world.Kube{Kubectl: kubectl}}}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			err := r.scaled(ctx, func(context.Context) error {
				asked = nil
				if c.canceled {
					cancel()
				}
				return c.run
			}, "a", "b")
			if (err == nil) != (len(c.want) == 0) {
				t.Errorf("%v; want %v", err, c.want)
			}
			for _, want := range c.want {
				if !errors.Is(err, want) {
					t.Errorf("%v; want %v", err, want)
				}
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("kubectl, -want +got:\n%s", diff)
			}
		})
	}
}
