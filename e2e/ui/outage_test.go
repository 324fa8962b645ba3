package ui

import (
	"net/http"
	"testing"

	"reliability/e2e/browser"
)

// TestOutage: one breaks it and watches the breakers open, count down, probe and close.
func TestOutage(t *testing.T) {
	v := visiting(t, `CALLER_POLICY={"breaker":{"open_for":"3s"}}`)
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.step("healthy", browser.Shows("#success", "^100"), browser.Shows("#failing", "^0 of 1"), browser.Holds(both("closed")),
		browser.Shows("#handrolled .word", "^CLOSED$"), browser.Shows("#handrolled .why", "of 5 failures in a row"))
	v.step("broken", click("#break"), browser.Shows("#failing", "^1 of 1"), browser.Holds(both("open")))
	for _, panel := range []string{"#handrolled", "#gobreaker"} {
		v.step("open "+panel,
			browser.Shows(panel+" .word", "^OPEN$"), browser.Shows(panel+" .sign", "^✕$"),
			browser.Shows(panel+" .last", `→ open at \d\d:\d\d:\d\d: .*(5 failures in a row|probe).*503`),
			browser.Holds(`/^#trace=[0-9a-f]{32}$/.test(document.querySelector('`+panel+` .last a.trace')?.getAttribute('href'))`))
	}
	v.step("shed", browser.Holds(figure("#success")+" < 20"), browser.Holds(figure("#amplification")+" < 1"),
		browser.Shows("#amplification-what", "the breaker sheds load"))

	const countdown = `new Promise((done) => {
		const seen = [];
		const node = document.querySelector('#handrolled .countdown');
		new MutationObserver(() => seen.push(node.textContent)).observe(node, {childList: true, characterData: true, subtree: true});
		setTimeout(() => done(seen), 2500);
	})`
	falls := 0
	seen := eval[[]string](v, countdown)
	for i := 1; i < len(seen); i++ {
		if seen[i] < seen[i-1] && seen[i] != "" {
			falls++
		}
	}
	if falls < 10 {
		t.Errorf("the countdown fell %d times in 2.5 s: %q", falls, seen)
	}

	// Without load nobody probes, so half-open lasts until a visitor makes a call.
	v.send(http.MethodPut, "api/load", `{"rate":0}`)
	v.step("healed", click("#heal"), browser.Shows("#failing", "^0 of 1"))
	v.step("half-open", browser.Holds(both("half-open")), browser.Shows("#handrolled .word", "^HALF-OPEN$"), browser.Shows("#gobreaker .sign", "^◐$"),
		browser.Shows("#handrolled .countdown", "^$"), browser.Holds(`document.querySelector('#handrolled meter').ariaLabel === 'probes passed: 0 of 2, 0 out'`))
	v.step("one probe", click("#call"), browser.Holds(`document.querySelector('#gobreaker meter').ariaLabel === 'probes passed: 1 of 2, 0 out'`), browser.Holds(both("half-open")))
	v.step("closed", click("#call"), browser.Holds(both("closed")), browser.Shows("#handrolled .last", `^half-open → closed at .*: 2 of 2 probes succeeded`))
	v.step("memory", unfold("#handrolled"), browser.Shows("#handrolled .transitions", `closed → open at .*5 of 5 failures in a row, last: flaky answered 503`))
	v.send(http.MethodPut, "api/load", `{"rate":20}`)
	v.step("well", browser.Holds(figure("#success")+" > 99"))
}
