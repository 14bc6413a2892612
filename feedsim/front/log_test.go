package front_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"example.com/outagelab/feedsim/front"
)

// logged returns the error log so far: instant, process, connection and line.
func (h *house) logged() (lines []string) {
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, l := range h.errorLog {
		lines = append(lines, fmt.Sprintf("%v %d/%d %v", l.At.Sub(h.began).Round(time.Millisecond), l.Process, l.Conn, l))
	}
	return lines
}

// A connection that worker_connections leave no room for is in no request's record,
// but in the error log. The connection of a request is named, that of an accept is
// not.
func TestTheErrorLogSaysThatConnectionsAreNotEnough(t *testing.T) {
	text := "events { worker_connections 6; }\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1:5000; } } }"
	inHouse(t, text, func(h *house) {
		h.peer("127.0.0.1:5000", then(wait(time.Second), say("x")))
		idle := h.dial()
		defer idle.Close()
		time.Sleep(100 * time.Millisecond)
		first := h.ask("GET /") // 3 of 4 are taken
		time.Sleep(100 * time.Millisecond)
		second := h.ask("GET /") // drains the idle one
		time.Sleep(100 * time.Millisecond)
		third := h.ask("GET /") // is closed unread
		require.Equal(t, "300ms: no reply", (<-third).String())
		require.Equal(t, 200, (<-first).status)
		require.Equal(t, 200, (<-second).status)
		require.Equal(t, []string{
			"200ms 0/0 [warn] 6 worker_connections are not enough, reusing connections",
			"300ms 0/0 [alert] 6 worker_connections are not enough",
		}, h.logged())
	})
	text = "events { worker_connections 3; }\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1:5000; } } }"
	inHouse(t, text, func(h *house) {
		require.Equal(t, 500, h.get("/").status)
		require.Equal(t, []string{"0s 0/1 [alert] 3 worker_connections are not enough while connecting to upstream"}, h.logged())
	})
}

// Of many idle connections an eighth is closed at a time, 32 at most, and the
// warning comes once a second (ngx_drain_connections).
func TestIdleConnectionsAreClosedAnEighthAtATime(t *testing.T) {
	for _, c := range []struct{ connections, idle, closed int }{
		{34, 29, 3},    // of 32 free: 29/8, when 3 are left
		{34, 24, 0},    // more than a sixteenth is free
		{502, 470, 32}, // at most 32
		{13, 8, 0},     // 3 are free, and nothing is to be closed
		{13, 9, 0},
		{13, 11, 2}, // 11/8 for the client, and 10/8 for its upstream
	} {
		text := fmt.Sprintf("events { worker_connections %d; }\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1:5000; } } }", c.connections)
		inHouse(t, text, func(h *house) {
			h.peer("127.0.0.1:5000", say("x"))
			var conns []net.Conn
			for range c.idle {
				conns = append(conns, h.dial())
				time.Sleep(time.Millisecond)
			}
			require.Equal(t, 200, h.get("/").status)
			closed := 0
			for i, conn := range conns {
				conn.SetReadDeadline(time.Now().Add(time.Millisecond))
				if _, err := conn.Read(make([]byte, 1)); err.Error() == "EOF" {
					require.Equal(t, closed, i, "the oldest first")
					closed++
				}
				conn.Close()
			}
			require.Equal(t, c.closed, closed, "%d connections, %d idle", c.connections, c.idle)
			if closed > 0 {
				require.Len(t, h.logged(), 1)
			} else {
				require.Empty(t, h.logged())
			}
		})
	}
}

// A connection that is kept alive is idle between its requests, and only then.
func TestAKeptAliveConnectionIsIdleBetweenRequests(t *testing.T) {
	text := "events { worker_connections 5; }\nhttp { server { listen 8080; location / { proxy_pass http://127.0.0.1:5000; } } }"
	inHouse(t, text, func(h *house) {
		h.peer("127.0.0.1:5000", then(wait(time.Second), say("x")))
		kept := h.dial()
		defer kept.Close()
		ask := func() {
			fmt.Fprint(kept, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			time.Sleep(500 * time.Millisecond)
		}
		ask()
		require.Equal(t, 500, h.get("/").status, "a connection under way stays")
		time.Sleep(time.Second)
		ask()
		require.Equal(t, 500, h.get("/").status, "in its second request as well")
		time.Sleep(time.Second)
		require.Len(t, h.logged(), 2)
		first, second := h.ask("GET /"), h.ask("GET /")
		require.Equal(t, 200, (<-first).status, "which has the place of the idle one")
		require.Equal(t, 500, (<-second).status)
		require.Equal(t, []string{
			"3s 0/0 [warn] 5 worker_connections are not enough, reusing connections",
			"3s 0/5 [alert] 5 worker_connections are not enough while connecting to upstream",
		}, h.logged()[2:])
		got, err := io.ReadAll(kept)
		require.NoError(t, err, "closed after its replies")
		require.Equal(t, 2, strings.Count(string(got), "200 OK"))
	})
}

// What a dial's error number means is in the log as Linux words it.
func TestTheErrorLogNamesTheErrorOfAConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t}
		h.run(conf("server { listen 8080; location / { proxy_pass http://127.0.0.1:5000; } }"), front.Options{
			Dial: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.EHOSTUNREACH },
		}, func(h *house) {
			require.Equal(t, 502, h.get("/").status)
			require.Equal(t, []string{"0s 0/1 [error] connect() failed (113: No route to host) while connecting to upstream"}, h.logged())
		})
	})
}
