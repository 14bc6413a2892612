// This file tests who gets in, when, and in which order.

package simnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"example.com/outagelab/lab/simnet"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheQueueHoldsBacklogPlusOne(t *testing.T) {
	for _, backlog := range []int{0, 1, 5, 4096, -1} {
		t.Run(fmt.Sprint("backlog ", backlog), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				room := backlog + 1
				if backlog < 0 {
					room = 4097 // listen(2): a negative backlog is the greatest
				}
				var n simnet.Network
				l := listen(t, &n, backlog)
				require.NoError(t, l.SetOverflow(simnet.Refuse))
				for i := range room {
					dial(t, &n, 1+i)
				}
				began := startClock()
				_, err := n.DialFrom(t.Context(), 50000, addr)
				assert.ErrorIs(t, err, syscall.ECONNREFUSED, "the queue holds %d, one more got in", room)
				assert.Equal(t, 1*time.Nanosecond, began.passed(), "the refusal comes at once")

				time.Sleep(1 * time.Nanosecond) // the last one's instant is over
				_, ok := l.AcceptBefore(time.Now())
				require.True(t, ok)
				dial(t, &n, 50000) // into the place that became free
			})
		})
	}
}

func TestTheBacklogIs4096AtFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l, err := n.Listen(addr)
		require.NoError(t, err)
		defer l.Close()
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		got := 0
		for i := range 5000 {
			if c, err := n.DialFrom(t.Context(), 1+i, addr); err == nil {
				defer c.Close()
				got++
			}
		}
		assert.Equal(t, 4097, got)
	})
}

// A SYN that is dropped is sent again 1, 3, 7, 15, 31 and 63 s after the first,
// and decided on 1 ns later.
func TestADroppedSYNIsSentAgainOnLinuxsSchedule(t *testing.T) {
	const never = 200 * time.Second
	for _, c := range []struct {
		roomAt time.Duration // when the server accepts what fills the queue
		in     time.Duration // the SYN that gets in
	}{
		{500 * time.Millisecond, 1 * time.Second},
		{1*time.Second - 1, 1 * time.Second},
		{1 * time.Second, 1 * time.Second},     // before the decision
		{1*time.Second + 1, 3 * time.Second},   // at the decision: too late
		{3*time.Second + 1, 7 * time.Second},   //
		{7*time.Second + 1, 15 * time.Second},  //
		{15*time.Second + 1, 31 * time.Second}, //
		{31*time.Second + 1, 63 * time.Second}, //
		{63*time.Second + 1, never},            // ETIMEDOUT at 127 s
		{never, never},
	} {
		t.Run(fmt.Sprint("room after ", c.roomAt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n simnet.Network
				l := listen(t, &n, 0)
				dial(t, &n, 1)
				began := startClock()
				go func() {
					began.sleepUntil(c.roomAt)
					if served, ok := l.AcceptBefore(time.Now()); ok {
						served.Close()
					}
				}()
				conn, err := n.DialFrom(t.Context(), 2, addr)
				if c.in == never {
					assert.ErrorIs(t, err, syscall.ETIMEDOUT)
					assert.Equal(t, 127*time.Second, began.passed(), "when the dial gave up")
					began.sleepUntil(never + 1)
					return
				}
				require.NoError(t, err)
				defer conn.Close()
				assert.Equal(t, c.in+1, began.passed(), "when the dial got in, 1 ns after its SYN")
			})
		})
	}
}

// These end while the SYN is being retransmitted into a full queue. The deadline
// wins at an instant at which a SYN would get in.
func TestADialEndsWithItsContext(t *testing.T) {
	for _, after := range []time.Duration{
		1 * time.Nanosecond, 500 * time.Millisecond, 1 * time.Second, 1*time.Second + 1, 3 * time.Second, 100 * time.Second, 127 * time.Second,
	} {
		for _, how := range []string{"deadline", "cancel"} {
			if how == "cancel" && after == 127*time.Second {
				continue // two things at one instant: either error will do
			}
			t.Run(fmt.Sprint(how, " after ", after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var n simnet.Network
					listen(t, &n, 0)
					dial(t, &n, 1)
					began := startClock()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					if how == "deadline" {
						ctx, cancel = context.WithTimeout(ctx, after)
						defer cancel()
					} else {
						time.AfterFunc(after, cancel)
					}
					_, err := n.DialFrom(ctx, 2, addr)
					require.Error(t, err)
					if how == "deadline" {
						assert.ErrorIs(t, err, context.DeadlineExceeded)
						assert.ErrorContains(t, err, "i/o timeout")
						var timeout net.Error
						assert.True(t, errors.As(err, &timeout) && timeout.Timeout(), "Timeout() of %v", err)
					} else {
						assert.ErrorIs(t, err, context.Canceled)
						assert.ErrorContains(t, err, "operation was canceled")
					}
					want := after
					if how == "cancel" && (after == 1*time.Second || after == 3*time.Second) {
						want++ // the SYN of that instant is withdrawn when it is decided on
					}
					assert.Equal(t, want, began.passed(), "when the dial returned")
				})
			})
		}
	}
}

func TestADialWhereNobodyListensIsRefusedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		began := startClock()
		_, err := n.DialFrom(t.Context(), 1, addr)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.Equal(t, 1*time.Nanosecond, began.passed())
	})
}

func TestASYNThatIsSentAgainMeetsWhoeverListensThen(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprint("somebody listens again: ", again), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n simnet.Network
				l := listen(t, &n, 0)
				dial(t, &n, 1)
				began := startClock()
				go func() {
					time.Sleep(500 * time.Millisecond)
					l.Close()
					if again {
						next, err := n.Listen(addr)
						if assert.NoError(t, err) {
							time.Sleep(time.Second)
							next.Close()
						}
					}
				}()
				c, err := n.DialFrom(t.Context(), 2, addr)
				assert.Equal(t, 1*time.Second+1, began.passed())
				if again {
					require.NoError(t, err)
					c.Close()
					time.Sleep(time.Second)
				} else {
					assert.ErrorIs(t, err, syscall.ECONNREFUSED)
				}
			})
		})
	}
}

func TestClosingTheListenerResetsWhatNobodyAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 5)
		accepted := dial(t, &n, 1)
		server, err := l.Accept()
		require.NoError(t, err)
		defer server.Close()
		queued := dial(t, &n, 2)
		require.NoError(t, l.Close())

		_, err = queued.Read(make([]byte, 1))
		assert.ErrorIs(t, err, syscall.ECONNRESET, "read from the queued connection")
		_, err = server.Write([]byte("x"))
		assert.NoError(t, err)
		_, err = accepted.Read(make([]byte, 1))
		assert.NoError(t, err, "read from the accepted connection")
	})
}

// A server cannot see that a queued client has given up.
func TestAClientThatLeftStaysInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 0)
		client := dial(t, &n, 1)
		_, err := client.Write([]byte("request"))
		require.NoError(t, err)
		require.NoError(t, client.Close())
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		_, err = n.DialFrom(t.Context(), 2, addr)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED, "the client that left still takes its place")

		server, err := l.Accept()
		require.NoError(t, err)
		defer server.Close()
		got, err := io.ReadAll(server)
		assert.NoError(t, err)
		assert.Equal(t, "request", string(got))
	})
}

func TestAcceptBeforeSeesOnlyWhatArrivedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 0)
		_, ok := l.AcceptBefore(time.Now())
		require.False(t, ok, "accepted though nobody dialed")
		dial(t, &n, 1)
		arrived := time.Now()
		_, ok = l.AcceptBefore(arrived)
		assert.False(t, ok, "accepted what arrived at this very instant")
		c, ok := l.AcceptBefore(arrived.Add(1))
		require.True(t, ok, "did not accept what arrived 1 ns before")
		c.Close()
	})
}

func TestWaitTellsEverybodyAndTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 0)
		var told sync.WaitGroup
		for range 3 {
			told.Go(func() { assert.NoError(t, l.Wait()) })
		}
		began := startClock()
		time.Sleep(time.Second)
		dial(t, &n, 1)
		told.Wait()
		assert.Equal(t, time.Second+1, began.passed(), "when they were told")
		require.NoError(t, l.Wait(), "with a connection waiting")
		c, err := l.Accept()
		require.NoError(t, err)
		c.Close()

		for range 3 {
			told.Go(func() { assert.ErrorIs(t, l.Wait(), net.ErrClosed) })
		}
		told.Go(func() { _, err := l.Accept(); assert.ErrorIs(t, err, net.ErrClosed) })
		synctest.Wait()
		require.NoError(t, l.Close())
		told.Wait()
		_, ok := l.AcceptBefore(time.Now())
		assert.False(t, ok)
		assert.ErrorIs(t, l.SetBacklog(1), net.ErrClosed)
		assert.ErrorIs(t, l.SetOverflow(simnet.Drop), net.ErrClosed)
	})
}

func TestAcceptTakesOneConnectionAnInstantOnceItsOwnIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l := listen(t, &n, 5)
		began := startClock()
		for port := range 3 {
			go dial(t, &n, 1+port) // all arrive 1 ns from now
		}
		for i := range 3 {
			c, err := l.Accept()
			require.NoError(t, err)
			defer c.Close()
			assert.Equal(t, 1+i, port(c))
			assert.Equal(t, time.Duration(2+i), began.passed(), "when connection %d was accepted", 1+i)
		}
	})
}

// sameEveryTime plays a scene 200 times, each in a bubble of its own and with its
// actors started in another order, and wants the same story each time. An actor
// returns what it saw.
func sameEveryTime(t *testing.T, scene func(t *testing.T, n *simnet.Network) (actors []func() string)) (story string) {
	t.Helper()
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			var n simnet.Network
			actors := scene(t, &n)
			saw := make([]string, len(actors))
			var done sync.WaitGroup
			for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(actors)) {
				done.Go(func() { saw[i] = actors[i]() })
			}
			done.Wait()
			got := strings.Join(saw, "\n")
			if seed == 0 {
				story = got
			}
			require.Equal(t, story, got, "run %d went another way than run 0", seed)
		})
		if t.Failed() {
			break
		}
	}
	return story
}

// tries is an actor who dials, at an instant of the scene, and tells what came of
// it and when.
func tries(t *testing.T, n *simnet.Network, ctx context.Context, at time.Duration, port int) func() string {
	began := startClock()
	return func() string {
		began.sleepUntil(at)
		c, err := n.DialFrom(ctx, port, addr)
		outcome := "in"
		if err == nil {
			t.Cleanup(func() { c.Close() })
		} else {
			outcome = err.(*net.OpError).Err.Error()
		}
		return fmt.Sprintf("%d: %s after %v", port, outcome, began.passed())
	}
}

// does is an actor who does something at an instant of the scene.
func does(at time.Duration, act func() string) func() string {
	began := startClock()
	return func() string {
		began.sleepUntil(at)
		return act()
	}
}

func TestOneInstantsConnectionsGetInByPort(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) (actors []func() string) {
		l := listen(t, n, 5)
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		for i := range 10 {
			actors = append(actors, tries(t, n, t.Context(), 0, 1000+i))
		}
		return append(actors, func() string {
			var order []int
			for range 6 {
				c, err := l.Accept()
				require.NoError(t, err)
				t.Cleanup(func() { c.Close() })
				order = append(order, port(c))
			}
			return fmt.Sprint(order)
		})
	})
	assert.Contains(t, story, "[1000 1001 1002 1003 1004 1005]", "the order of accepts")
	assert.Equal(t, 4, strings.Count(story, "connection refused after 1ns"), "refused, in\n%s", story)
}

func TestAPlaceThatBecomesFreeCountsFromTheNextInstant(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		l := listen(t, n, 0)
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		dial(t, n, 1)
		return []func() string{
			tries(t, n, t.Context(), 9, 2),  // decided on at 10: still full
			tries(t, n, t.Context(), 10, 3), // decided on at 11: room
			does(10, func() string {
				c, ok := l.AcceptBefore(time.Now())
				c.Close()
				return fmt.Sprint("accepted: ", ok)
			}),
		}
	})
	assert.Equal(t, "2: connect: connection refused after 10ns\n3: in after 11ns\naccepted: true", story)
}

func TestListenAndCloseCountFromTheNextInstant(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		return []func() string{
			tries(t, n, t.Context(), 9, 1),  // decided on at 10: not yet
			tries(t, n, t.Context(), 10, 2), // decided on at 11: in
			tries(t, n, t.Context(), 19, 3), // decided on at 20: still in
			tries(t, n, t.Context(), 20, 4), // decided on at 21: refused
			does(10, func() string {
				l := listen(t, n, 5)
				time.Sleep(10 * time.Nanosecond)
				l.Close()
				return ""
			}),
		}
	})
	assert.Equal(t, `1: connect: connection refused after 10ns
2: in after 11ns
3: in after 20ns
4: connect: connection refused after 21ns`, strings.TrimSpace(story))
}

func TestSettingsCountFromTheNextInstant(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		l := listen(t, n, 0)
		require.NoError(t, l.SetOverflow(simnet.Refuse))
		dial(t, n, 1)
		return []func() string{
			tries(t, n, t.Context(), 9, 2),
			tries(t, n, t.Context(), 10, 3),
			does(10, func() string { l.SetBacklog(1); return "" }),
		}
	})
	assert.Equal(t, "2: connect: connection refused after 10ns\n3: in after 11ns", strings.TrimSpace(story))
}

func TestAContextThatEndsAtTheInstantOfASYNStopsIt(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		l := listen(t, n, 0)
		dial(t, n, 1)
		canceled, cancel := context.WithCancel(t.Context())
		late, stop := context.WithTimeout(t.Context(), 3*time.Second)
		t.Cleanup(stop)
		return []func() string{
			tries(t, n, canceled, 0, 2), // dropped, cancelled at its second SYN
			tries(t, n, late, 0, 3),     // dropped twice, its deadline at its third SYN
			does(time.Second, func() string { cancel(); return "" }),
			does(3*time.Second, func() string { // room for one, and nobody comes
				c, ok := l.AcceptBefore(time.Now())
				c.Close()
				time.Sleep(time.Second)
				_, other := l.AcceptBefore(time.Now())
				return fmt.Sprint("accepted: ", ok, other)
			}),
		}
	})
	assert.Equal(t, "2: operation was canceled after 1.000000001s\n3: i/o timeout after 3s\n\naccepted: true false", story)
}

func TestADialCancelledAtItsOwnInstantEndsTheSameWay(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		l := listen(t, n, 0)
		ctx, cancel := context.WithCancel(t.Context())
		return []func() string{
			tries(t, n, ctx, 10, 1),
			does(10, func() string { cancel(); return "" }),
			does(20, func() string {
				_, ok := l.AcceptBefore(time.Now())
				return fmt.Sprint("arrived: ", ok)
			}),
		}
	})
	assert.Equal(t, "1: operation was canceled after 11ns\n\narrived: false", story)
}

func TestADialCancelledAtTheInstantOfItsAnswerGetsIn(t *testing.T) {
	story := sameEveryTime(t, func(t *testing.T, n *simnet.Network) []func() string {
		listen(t, n, 0)
		ctx, cancel := context.WithCancel(t.Context())
		return []func() string{
			tries(t, n, ctx, 10, 1),
			does(11, func() string { cancel(); time.Sleep(time.Second); return "" }),
		}
	})
	assert.Equal(t, "1: in after 11ns\n", story)
}

func TestAddresses(t *testing.T) {
	var n simnet.Network
	for _, a := range []string{"127.0.0.1:0", "[::1]:0", "10.1.2.3:0", "127.0.0.1:0"} {
		l, err := n.Listen(a)
		require.NoError(t, err)
		defer l.Close()
		client, err := n.DialContext(t.Context(), "tcp", l.Addr().String())
		require.NoError(t, err)
		defer client.Close()
		server, err := l.Accept()
		require.NoError(t, err)
		defer server.Close()
		assert.Equal(t, l.Addr(), client.RemoteAddr())
		assert.Equal(t, l.Addr(), server.LocalAddr())
		assert.Equal(t, client.LocalAddr(), server.RemoteAddr())
	}

	// Free ports are given in order: to listeners from above, to dialers from below.
	var m simnet.Network
	for i := range 2 {
		l, err := m.Listen("127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		assert.Equal(t, fmt.Sprint("127.0.0.1:", 60999-i), l.Addr().String())
		c, err := m.DialContext(t.Context(), "tcp4", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		assert.Equal(t, fmt.Sprint("127.0.0.1:", 32768+i), c.LocalAddr().String(), "the dialer's port")
	}
}

func TestAddressesThatWillNotDo(t *testing.T) {
	var n simnet.Network
	var dns *net.DNSError
	_, err := n.DialContext(t.Context(), "tcp", "localhost:80")
	assert.ErrorAs(t, err, &dns)
	_, err = n.Listen("localhost:80")
	assert.ErrorAs(t, err, &dns)
	_, err = n.Listen(":80")
	assert.ErrorAs(t, err, &dns)
	_, err = n.DialContext(t.Context(), "tcp", "127.0.0.1:http")
	assert.ErrorAs(t, err, &dns)
	_, err = n.Listen("0.0.0.0:80")
	assert.ErrorIs(t, err, syscall.EADDRNOTAVAIL)
	for _, network := range []string{"udp", "unix"} {
		_, err = n.DialContext(t.Context(), network, addr)
		assert.ErrorAs(t, err, new(net.UnknownNetworkError))
	}
	_, err = n.DialContext(t.Context(), "tcp6", addr)
	assert.ErrorContains(t, err, "no suitable address found")
	for _, port := range []int{0, -1, 65536} {
		_, err = n.DialFrom(t.Context(), port, addr)
		assert.ErrorContains(t, err, "local port must be between 1 and 65535")
	}
}
