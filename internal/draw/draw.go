// Package draw is chance that can be repeated: numbers that depend on a seed, on what is
// asked, and on whom it is asked about, and on nothing that came before.
package draw

import (
	"crypto/sha256"
	"encoding/binary"
)

// ByName returns a number between 0 and 1, neither included, for one question about
// something that has a name, or about one part of it, such as an attempt of a call. It is
// a hash: no generator whose state the order of the questions could change, and no two
// questions or names whose answers hang together. The name is not empty and has no zero
// byte.
func ByName(seed uint64, question, name, part string) float64 {
	b := begin(make([]byte, 0, 128), seed, question)
	b = append(b, name...)
	b = append(b, 0)
	b = append(b, part...)
	return number(b)
}

// ByNumber is ByName for what has no name, and goes by a number instead.
func ByNumber(seed uint64, question string, n uint64) float64 {
	b := begin(make([]byte, 0, 128), seed, question)
	return number(binary.BigEndian.AppendUint64(append(b, 0), n)) // no name begins with 0
}

func begin(b []byte, seed uint64, question string) []byte {
	b = binary.BigEndian.AppendUint64(b, seed)
	b = append(b, question...)
	return append(b, 0)
}

func number(b []byte) float64 {
	sum := sha256.Sum256(b)
	return (float64(binary.BigEndian.Uint64(sum[:])>>12) + 0.5) / (1 << 52)
}
