package caller

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"reliability/internal/document"
	"reliability/internal/problem"
	"reliability/pkg/resilience"
)

// PolicyAnswer is the answer of every request at /api/policy.
type PolicyAnswer struct {
	Version int         `json:"version"` // how often it was replaced, from 1
	Source  string      `json:"source"`  // "boot" or "api"
	Since   time.Time   `json:"since"`
	Policy  Policy      `json:"policy"`
	Explain Explanation `json:"explain"`
	Boot    Policy      `json:"boot"` // what DELETE returns to
}

// An Explanation is a [resilience.Explanation]: what a call can cost, at worst.
type Explanation struct {
	Pipeline      string   `json:"pipeline"` // as a formula
	MostAttempts  int      `json:"most_attempts"`
	LongestTimeMS float64  `json:"longest_time_ms"` // 0: nothing bounds it
	LoadFactor    float64  `json:"load_factor"`
	Warnings      []string `json:"warnings"`
}

func explained(e resilience.Explanation) Explanation {
	return Explanation{
		Pipeline: e.Order, MostAttempts: e.MostAttempts, LongestTimeMS: milliseconds(e.LongestTime), LoadFactor: e.LoadFactor,
		Warnings: append([]string{}, e.Warnings...),
	}
}

func (s *Service) policyAnswer(v *version) PolicyAnswer {
	return PolicyAnswer{
		Version: v.number, Source: v.source, Since: v.since, Policy: v.policy, Boot: s.cfg.Policy,
		// The engines' chains differ in nothing that is explained.
		Explain: explained(v.pipelines[s.protections[0].engine].standard.explain),
	}
}

func (s *Service) getPolicy(c *gin.Context) {
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.policyAnswer(s.inForce.Load()))
}

// putPolicy replaces the policy. What the document leaves out is as by default.
func (s *Service) putPolicy(c *gin.Context) {
	s.changePolicy(c, func(body []byte, _ *version) (Policy, string, error) {
		p, err := ParsePolicy(body)
		return p, sourceAPI, err
	})
}

// patchPolicy merges the document into the one that was last given, RFC 7396.
func (s *Service) patchPolicy(c *gin.Context) {
	s.changePolicy(c, func(body []byte, v *version) (Policy, string, error) {
		if err := document.Check(body); err != nil {
			return Policy{}, "", err
		}
		// Not of the completed one: what somebody left open follows what they change.
		p, err := ParsePolicy(document.Merge(v.policy.given, body))
		return p, sourceAPI, err
	})
}

// deletePolicy returns to the policy that caller was started with.
func (s *Service) deletePolicy(c *gin.Context) {
	s.changePolicy(c, func([]byte, *version) (Policy, string, error) { return s.cfg.Policy, sourceBoot, nil })
}

// changePolicy reads, checks and applies a change, one at a time: of two patches at once
// neither is lost.
func (s *Service) changePolicy(c *gin.Context, change func(body []byte, v *version) (Policy, string, error)) {
	body, ok := document.Body(c.Writer, c.Request)
	if !ok {
		return
	}
	v, refused := func() (*version, *problem.Document) {
		s.applying.Lock()
		defer s.applying.Unlock()
		p, source, err := change(body, s.inForce.Load())
		if err != nil {
			d := document.Refused(err)
			return nil, &d
		}
		if err := s.applyLocked(p, source); err != nil {
			d := problem.New(http.StatusInternalServerError, "nothing was changed: "+err.Error())
			return nil, &d
		}
		return s.inForce.Load(), nil
	}()
	if refused != nil {
		refused.Write(c.Writer)
		return
	}
	s.tel.Logger.InfoContext(c.Request.Context(), "policy", "version", v.number, "source", v.source, "order", v.policy.Order)
	problem.WriteJSON(c.Writer, http.StatusOK, "application/json", s.policyAnswer(v))
}
