package main

import (
	"context"
	"errors"

	"reliability/pkg/resilience"
)

// sqlState is an error's SQLSTATE, or "" if it is none of the database's own.
func sqlState(err error) string {
	var e interface{ SQLState() string }
	if !errors.As(err, &e) || len(e.SQLState()) != 5 {
		return ""
	}
	return e.SQLState()
}

// class is the class of an error's SQLSTATE, or "".
func class(err error) string { return sqlState(err)[:min(2, len(sqlState(err)))] }

// rolledBack reports whether a COMMIT that failed with err has surely committed nothing: it
// met another transaction (40001, 40P01), or violates a constraint (23). Of all else nobody
// knows; 08007 and 40003 even say so.
func rolledBack(err error) bool {
	return sqlState(err) == "40001" || sqlState(err) == "40P01" || class(err) == "23"
}

// retryIf: the connection was lost or refused (08), the transaction met another one (40), the
// database has no room (53), or is about to restart (57). It keeps to what the library knows
// of permanent errors and rejections.
func retryIf(_ context.Context, err error) bool {
	switch class(err) {
	case "", "08", "40", "53", "57":
		return resilience.Retryable(err)
	}
	return false
}

// blame: the same but for transactions that met, where the database did as it should.
func blame(_ context.Context, err error) resilience.Outcome {
	switch class(err) {
	case "", "08", "53", "57":
		return resilience.Failure
	}
	return resilience.Success // it answered
}
