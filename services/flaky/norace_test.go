//go:build !race

package flaky

const raceDetector = false
