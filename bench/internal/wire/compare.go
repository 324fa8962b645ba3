package wire

import (
	"context"
	"time"

	"reliability/bench/internal/statistics"
)

// Compare presses two servers in turns with the same request, as hard as they answer.
func Compare(ctx context.Context, clients [2][]*Client, request []byte, pairs int, slice time.Duration) (statistics.Comparison, error) {
	press := func(of []*Client) func() (float64, error) {
		return func() (float64, error) { return Load(ctx, of, request, slice) }
	}
	measured, err := statistics.Pairs(pairs, press(clients[0]), press(clients[1]))
	if err != nil {
		return statistics.Comparison{}, err
	}
	return statistics.Compare(measured), nil
}
