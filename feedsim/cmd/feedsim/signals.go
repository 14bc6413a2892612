// SIGINT and SIGTERM: the first asks the program to stop, the second ends it.

package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal returns a context that ends when ctx does or the first signal
// comes. The second signal ends the program as it does any other, when kill has
// ended what would outlive it. The function that it returns undoes all that; it
// does not return any more once there was a second signal, so that a program which
// kill has helped to stop does not say that it stopped as it should.
func untilSignal(ctx context.Context, kill func()) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case s := <-signals:
				if ctx.Err() == nil {
					cancel()
					continue
				}
				kill()
				signal.Stop(signals)
				endBy(s)
			case <-over:
				return
			}
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(over)
		<-ended
		cancel()
	}
}
