// The closed loop against wrk's rules, by schedules made by hand.

package load_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/lab/load"
	"example.com/outagelab/lab/simnet"
)

// naps serves request number seq, of any client, with a nap of its own.
func naps(ds ...time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, seq, _ := strings.Cut(r.Header.Get("X-Request-ID"), "-")
		n, _ := strconv.Atoi(seq)
		time.Sleep(ds[n])
		fmt.Fprint(w, "ok")
	}
}

func TestTheNextRequestFollowsTheReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s = time.Second
		target := serve(t, naps(s, 2*s, s/2, 4*s))
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Start: s, Duration: 5 * s, Timeout: 3 * s})

		var starts, latencies []time.Duration
		for i, r := range records {
			starts, latencies = append(starts, about(r.Start)), append(latencies, about(r.Latency))
			assert.Equal(t, r.Latency, r.End-r.Start)
			assert.Equal(t, i > 0, r.Reused, "one connection serves all")
		}
		assert.Equal(t, []time.Duration{s, 2 * s, 4 * s, 4*s + s/2}, starts)
		assert.Equal(t, []time.Duration{s, 2 * s, s / 2, s + s/2}, latencies)
		assert.Equal(t, []load.Kind{load.OK, load.OK, load.OK, load.Unfinished}, kinds(records))
		last := records[3]
		assert.Equal(t, 6*s, last.End, "an unfinished request ends with the load")
		assert.Equal(t, load.Reading, last.Op)
		assert.False(t, last.Complete)
	})
}

func TestALateReplyIsATimeoutAndStillWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const s = time.Second
		// wrk's histogram holds whole microseconds up to and including 2 s.
		target := serve(t, naps(s, 2*s, 2*s+999, 2*s+time.Microsecond, 5*s, s))
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 6})
		assert.Equal(t, []load.Kind{load.OK, load.OK, load.OK, load.Timeout, load.Timeout, load.OK}, kinds(records))
		for _, r := range records {
			assert.True(t, r.Complete)
			assert.Equal(t, http.StatusOK, r.Status)
		}
		sum := load.Summarize(13*s, records)
		assert.Equal(t, 6, sum.Requests, "late replies are requests too")
		assert.Equal(t, 2, sum.Timeouts)
		assert.Equal(t, 2*s, sum.Max, "and are not in the histogram")
		assert.Equal(t, 4, sum.Good)
	})
}

func TestAClientThatGivesUpClosesItsConnectionAndDialsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cancelled atomic.Int32
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
				cancelled.Add(1)
			case <-time.After(time.Hour):
			}
		})
		records := run(t, target, time.Minute, load.Closed{
			Path: "/", Connections: 1, Duration: 3500 * time.Millisecond, Timeout: time.Second, GiveUp: true,
		})
		synctest.Wait()
		assert.Equal(t, []load.Kind{load.Timeout, load.Timeout, load.Timeout, load.Unfinished}, kinds(records))
		assert.EqualValues(t, 4, cancelled.Load(), "the server sees each client leave")
		for i, r := range records {
			assert.False(t, r.Complete)
			assert.False(t, r.Reused)
			assert.Equal(t, time.Duration(i)*time.Second, about(r.Scheduled))
		}
		assert.Equal(t, time.Second, records[0].End-records[0].Scheduled)
		assert.Equal(t, 3500*time.Millisecond, records[3].End, "patience does not outlast the load")
		sum := load.Summarize(time.Second, records)
		assert.Equal(t, 3, sum.GaveUp)
		assert.Zero(t, sum.Requests+sum.Read+sum.Timeouts)
	})
}

func TestPatienceBeginsAnewWithEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		target := serve(t, naps(600*ms, 800*ms, 999*ms, 1100*ms, 600*ms))
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 5, Timeout: time.Second, GiveUp: true})
		assert.Equal(t, []load.Kind{load.OK, load.OK, load.OK, load.Timeout, load.OK}, kinds(records))
		assert.Equal(t, []bool{false, true, true, true, false}, []bool{
			records[0].Reused, records[1].Reused, records[2].Reused, records[3].Reused, records[4].Reused,
		})
		assert.Equal(t, records[3].Scheduled+time.Second, records[3].End)
	})
}

func TestGivingUpIncludesTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network
		l, err := n.Listen(addr)
		require.NoError(t, err)
		defer l.Close()
		require.NoError(t, l.SetBacklog(0)) // one gets in and waits, the others' SYNs are dropped
		records := run(t, onNetwork(&n), time.Minute, load.Closed{
			Path: "/", Connections: 3, Requests: 1, Timeout: 5 * time.Second, GiveUp: true,
		})
		assert.Equal(t, []load.Kind{load.Timeout, load.Timeout, load.Timeout}, kinds(records))
		assert.Equal(t, []load.Op{load.Reading, load.Dialing, load.Dialing}, []load.Op{records[0].Op, records[1].Op, records[2].Op})
		for _, r := range records {
			assert.Equal(t, 5*time.Second, r.End-r.Scheduled)
		}
	})
}

func TestAReplyAtTheVeryInstantOfADeadlineHasNotCome(t *testing.T) {
	const s = time.Second
	for _, tc := range []struct {
		name string
		load load.Load
		want load.Kind
	}{
		{"the load's end", load.Closed{Path: "/", Connections: 1, Duration: 3 * s}, load.Unfinished},
		{"the client's patience", load.Closed{Path: "/", Connections: 1, Requests: 1, Timeout: 3 * s, GiveUp: true}, load.Timeout},
		{"an open loop's patience", load.Open{Path: "/", Rate: 1, Duration: s, Timeout: 3 * s}, load.Timeout},
		{"the horizon", load.Open{Path: "/", Rate: 1, Duration: s}, load.Unfinished},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 20 { // either order of the goroutines must give the same
				synctest.Test(t, func(t *testing.T) {
					horizon := 5 * s
					if tc.name == "the horizon" {
						horizon = 3 * s
					}
					began := time.Now()
					// The header comes in time, the body at the instant, to the nanosecond,
					// and so does the close.
					target := script(t, func(_ int, c *simnet.Conn) {
						io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
						time.Sleep(time.Until(began.Add(3 * s)))
						io.WriteString(c, "cd")
					})
					r := run(t, target, horizon, tc.load)[0]
					assert.Equal(t, tc.want, r.Kind)
					assert.Equal(t, 3*s, r.End)
					assert.False(t, r.Complete)
					assert.Equal(t, http.StatusOK, r.Status)
					assert.EqualValues(t, 2, r.Bytes)
				})
			}
		})
	}
}

// laxConn is a connection of a network that does not keep the instant rule: at
// the instant of the deadline it still delivers.
type laxConn struct {
	net.Conn
	parts []string
	at    []time.Time
}

func (c *laxConn) Read(p []byte) (int, error) {
	time.Sleep(time.Until(c.at[0]))
	n := copy(p, c.parts[0])
	c.parts, c.at = c.parts[1:], c.at[1:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
func (c *laxConn) Write(p []byte) (int, error) { return len(p), nil }
func (c *laxConn) SetDeadline(time.Time) error { return nil }
func (c *laxConn) Close() error                { return nil }

func TestTheClientKeepsTheInstantRuleWhereItsNetworkDoesNot(t *testing.T) {
	const s = time.Second
	for name, parts := range map[string][]string{
		"the rest of the body": {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab", "cd"},
		"the end of the body":  {"HTTP/1.0 200 OK\r\n\r\nab", ""},
	} {
		for late, want := range map[time.Duration]load.Kind{-1: load.OK, 0: load.Unfinished, 1: load.Unfinished} {
			t.Run(fmt.Sprintf("%s at %+d ns", name, late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					at := []time.Time{time.Now().Add(s), time.Now().Add(3*s + late)}
					target := load.Target{Host: "h", Dial: func(context.Context, int) (net.Conn, error) {
						return &laxConn{parts: parts, at: at}, nil
					}}
					r := run(t, target, 3*s, load.Open{Path: "/", Rate: 1, Duration: s})[0]
					assert.Equal(t, want, r.Kind)
					if want == load.Unfinished {
						assert.EqualValues(t, 2, r.Bytes)
					}
				})
			})
		}
	}
}

func TestADialThatSucceedsAtTheDeadlineHasNotSucceeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(http.ResponseWriter, *http.Request) {})
		dial := target.Dial
		target.Dial = func(ctx context.Context, client int) (net.Conn, error) {
			conn, err := dial(context.Background(), client)
			deadline, _ := ctx.Deadline()
			time.Sleep(time.Until(deadline)) // a dialler that is no faster than the deadline
			return conn, err
		}
		r := run(t, target, time.Second, load.Open{Path: "/", Rate: 1, Duration: time.Second})[0]
		assert.Equal(t, load.Unfinished, r.Kind)
		assert.Equal(t, load.Dialing, r.Op)
	})
}

func TestConnectionCloseIsFollowedByADialAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			w.Header().Set("Connection", "close")
		})
		dials := 0
		dial := target.Dial
		target.Dial = func(ctx context.Context, client int) (net.Conn, error) { dials++; return dial(ctx, client) }
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 5})
		assert.Equal(t, 5, dials)
		for i, r := range records {
			assert.True(t, r.Good())
			assert.False(t, r.Reused)
			assert.Equal(t, time.Duration(i)*time.Second, about(r.Start))
			assert.Less(t, r.Scheduled-time.Duration(i)*time.Second, time.Microsecond, "no pause")
		}
	})
}

func TestARefusedClientPausesAndLeavesARecordEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n simnet.Network // nobody listens
		records := run(t, onNetwork(&n), time.Minute, load.Closed{Path: "/", Connections: 2, Duration: time.Second})
		assert.Len(t, records, 2*int(time.Second/load.RedialPause))
		for _, r := range records {
			require.Equal(t, load.Refused, r.Kind)
			require.Equal(t, load.Dialing, r.Op)
			require.Contains(t, r.Err, syscall.ECONNREFUSED.Error())
		}
		sum := load.Summarize(time.Second, records)
		assert.Equal(t, 200, sum.Connect)
	})
}

func TestAClientWhoseConnectionLastedDialsAgainAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := script(t, func(n int, c *simnet.Conn) { time.Sleep(time.Second) }) // then closes
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 3})
		assert.Equal(t, []load.Kind{load.ClosedEarly, load.ClosedEarly, load.ClosedEarly}, kinds(records))
		assert.Equal(t, records[0].End, records[1].Scheduled)
		assert.Equal(t, 3, load.Summarize(time.Second, records).Read)
	})
}

func TestAStaleConnectionIsRecordedAsItIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The server hangs up after each reply without having said so.
		target := script(t, func(n int, c *simnet.Conn) {
			time.Sleep(time.Second)
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		})
		records := run(t, target, time.Minute, load.Closed{Path: "/", Connections: 1, Requests: 4})
		assert.Equal(t, load.OK, records[0].Kind)
		assert.Contains(t, []load.Kind{load.ClosedEarly, load.Reset}, records[1].Kind)
		assert.True(t, records[1].Reused)
		assert.Equal(t, load.OK, records[2].Kind)
		assert.False(t, records[2].Reused)
	})
}

func TestAServerThatTakesNoTimeIsAnErrorAndNotAHang(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"keep-alive":       func(w http.ResponseWriter, r *http.Request) {},
		"connection close": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := serve(t, handler)
				all := load.Closed{Name: "crowd", Path: "/", Connections: 3, Duration: time.Second}
				_, err := load.Run(context.Background(), target, time.Minute, all)
				assert.ErrorIs(t, err, load.ErrNoTime)
				assert.ErrorContains(t, err, "crowd")

				all.Requests = 1200 // an end of its own is as good
				assert.Len(t, run(t, target, time.Minute, all), 3600)
			})
		})
	}
}

func TestHeadersAndBodiesGoThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusEarlyHints) // news, not the reply
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprintf(w, "%s %s %s\n%s\n", r.Host, r.RequestURI, r.Header.Get("Cookie"), strings.Repeat("x", 10_000))
		})
		records := run(t, target, time.Minute,
			load.Closed{Path: "/p?q=1", Connections: 1, Requests: 2, KeepBody: true, Header: http.Header{"Cookie": {"a=b"}}},
			load.Open{Path: "/o", Rate: 1, Duration: time.Second, KeepBody: true},
			load.Open{Path: "/o", Rate: 1, Duration: time.Second},
		)
		want := addr + " /p?q=1 a=b\n" + strings.Repeat("x", 10_000) + "\n"
		for _, r := range records[:2] {
			assert.Equal(t, want, r.Body)
			assert.EqualValues(t, len(want), r.Bytes)
			assert.Equal(t, 2, r.Lines)
			assert.Equal(t, http.StatusTeapot, r.Status)
			assert.True(t, r.Complete)
			assert.False(t, r.Good(), "a 418 is complete and not good")
		}
		assert.Contains(t, records[2].Body, addr+" /o ")
		assert.Empty(t, records[3].Body)
		assert.Equal(t, records[2].Bytes, records[3].Bytes)
	})
}
