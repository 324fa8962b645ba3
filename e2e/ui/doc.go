// Package ui tests the page as its visitor sees it: in a real browser, against a real lab.
// `make ui-test` runs it. CHROME is the browser to use; chromium, or chrome, from the PATH
// if it is unset. SCREENSHOTS is a directory for pictures of each step; none if unset.
//
// There is nothing here to import.
package ui
