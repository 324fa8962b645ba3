package markdown

import "testing"

func TestRequirements(t *testing.T) {
	var r Requirements
	r.Add("speed", "≥ 1", "1", true)
	if !r.Met() {
		t.Error("what is met is missed")
	}
	r.Add("weight", "≤ 2", "3", false)
	r.Add("size", "4", "4", true)
	if r.Met() {
		t.Error("a miss is forgotten")
	}
	const want = `|        | required | measured |            |
| ------ | -------- | -------: | ---------- |
| speed  | ≥ 1      |        1 | ✓ pass     |
| weight | ≤ 2      |        3 | ✗ **miss** |
| size   | 4        |        4 | ✓ pass     |
`
	if got := r.String(); got != want {
		t.Errorf("\n%s", got)
	}
}
