// Replies that are larger than what their clients take.

package front_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// flood answers with n bytes, as fast as they are taken, and counts those that were.
func flood(n int, taken *atomic.Int64) script {
	return func(c net.Conn, _ int, _ string) {
		io.WriteString(c, ok)
		for i := int64(0); i < int64(n); i = taken.Load() {
			piece := pattern(int(i), min(8<<10, n-int(i)))
			m, err := c.Write(piece)
			taken.Add(int64(m))
			if err != nil {
				return
			}
		}
	}
}

// pattern is n bytes of a body from offset on, in which each has a place of its own.
func pattern(offset, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		at := offset + i
		b[i] = byte(at ^ 7*(at>>8) ^ 13*(at>>16))
	}
	return b
}

const ask1 = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

// roomOnTheWay is what two simulated connections hold, and net/http's buffer.
const roomOnTheWay = 2*64<<10 + 4<<10

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A client that reads nothing costs the memory of proxy_buffers, and a file of
// proxy_max_temp_file_size. Then nothing is read from the upstream, until send_timeout.
func TestAClientThatReadsNothingIsBounded(t *testing.T) {
	for _, c := range []struct {
		settings            string
		file, buffers, size int
	}{
		{"proxy_max_temp_file_size 8m;", 8 << 20, 8, 4 << 10},
		{"proxy_max_temp_file_size 0;", 0, 8, 4 << 10},
		{"proxy_max_temp_file_size 2048k; proxy_buffers 4 16k;", 2 << 20, 4, 16 << 10},
	} {
		inHouse(t, one("server 127.0.0.1:5000;", c.settings), func(h *house) {
			var taken atomic.Int64
			h.peer("127.0.0.1:5000", flood(3<<29, &taken))
			client := h.dial()
			defer client.Close()
			before := heap()
			io.WriteString(client, ask1)
			time.Sleep(30 * time.Second)
			held := int(taken.Load())
			least := c.file + (c.buffers-1)*c.size
			assert.GreaterOrEqual(t, held, least, c.settings)
			assert.LessOrEqual(t, held, least+2*c.size+4<<10+roomOnTheWay, c.settings)
			assert.Less(t, int(heap())-int(before), 1<<20, "bytes of memory")

			time.Sleep(29 * time.Second)
			require.EqualValues(t, held, taken.Load(), "no more was read")
			time.Sleep(time.Minute)
			lines := []string{"1m0s 0/1 [info] client timed out (110: Connection timed out) while sending to client"}
			if c.file > 0 {
				lines = append([]string{"0s 0/1 [warn] an upstream response is buffered to a temporary file while reading upstream"}, lines...)
			}
			require.Equal(t, lines, h.logged())
			require.True(t, h.record().Cut)
		})
	}
}

// What went through the file arrives whole and in order.
func TestAClientThatReadsLateGetsAll(t *testing.T) {
	const n = 3<<20 + 123
	for _, settings := range []string{"", "proxy_max_temp_file_size 2m;", "proxy_max_temp_file_size 0;", "proxy_buffers 2 8k; proxy_buffer_size 4k; proxy_busy_buffers_size 8k;"} {
		inHouse(t, one("server 127.0.0.1:5000;", settings), func(h *house) {
			var taken atomic.Int64
			h.peer("127.0.0.1:5000", flood(n, &taken))
			client := h.dial()
			defer client.Close()
			io.WriteString(client, ask1)
			time.Sleep(10 * time.Second)
			var got bytes.Buffer
			slow := func(piece int, pause time.Duration) {
				for range 100 {
					_, err := io.CopyN(&got, client, int64(piece))
					require.NoError(t, err)
					time.Sleep(pause)
				}
			}
			slow(1000, time.Millisecond)
			slow(10_000, 20*time.Microsecond)
			io.Copy(&got, client)
			reply, err := readResponse(&got)
			require.NoError(t, err)
			require.True(t, bytes.Equal(pattern(0, n), reply), settings)
			require.False(t, h.record().Cut)
		})
	}
}

// A client that reads at once has no file.
func TestAClientThatReadsAtOnceNeedsNoFile(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000;", ""), func(h *house) {
		var taken atomic.Int64
		h.peer("127.0.0.1:5000", flood(3<<20, &taken))
		require.Equal(t, string(pattern(0, 3<<20)), h.get("/").body)
		require.Empty(t, h.logged())
	})
}

// A file that cannot be written is in the log, and the reply waits for its client.
func TestATemporaryFileThatCannotBeWritten(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if f, err := os.CreateTemp("", ""); err == nil {
		f.Close()
		os.Remove(f.Name())
		t.Skip("this system has temporary files elsewhere")
	}
	inHouse(t, one("server 127.0.0.1:5000;", ""), func(h *house) {
		var taken atomic.Int64
		h.peer("127.0.0.1:5000", flood(1<<20, &taken))
		client := h.dial()
		defer client.Close()
		io.WriteString(client, ask1)
		time.Sleep(10 * time.Second)
		require.Less(t, taken.Load(), int64(1<<19))
		reply, err := readResponse(client)
		require.NoError(t, err)
		require.True(t, bytes.Equal(pattern(0, 1<<20), reply))
		lines := h.logged()
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "[crit] open ")
	})
}

// A client that leaves while its reply waits lets go of the upstream, and of the file.
func TestAClientThatLeavesAFullPipe(t *testing.T) {
	inHouse(t, one("server 127.0.0.1:5000;", "proxy_max_temp_file_size 1m;"), func(h *house) {
		var taken atomic.Int64
		h.peer("127.0.0.1:5000", flood(3<<20, &taken))
		client := h.dial()
		io.WriteString(client, ask1)
		time.Sleep(10 * time.Second)
		client.Close()
		r := h.record()
		require.True(t, r.Cut)
		require.Equal(t, 10*time.Second, r.Tries[0].End.Sub(h.began).Round(time.Second))
		require.Contains(t, h.logged()[1], "client prematurely closed connection")
	})
}

// nginx reads from the upstream what a file of the size holds, and what is on the way.
func TestTheRealNginxStopsReadingAtTheSame(t *testing.T) {
	t.Parallel()
	needs(t, "nginx")
	const (
		file = 16 << 20
		body = 4 * file
	)
	var taken [2]atomic.Int64
	text := func(i int, addr string) string {
		app := newStage(t, scene{peers: []script{flood(body, &taken[i])}})
		app.began = time.Now()
		return strings.Replace(one("server 127.0.0.1:"+app.ports[0]+";", fmt.Sprintf("proxy_max_temp_file_size %d;", file)), "listen 127.0.0.1:8080", "listen "+addr, 1)
	}
	listeners, ours := listen(t, 1)
	theirs := free(t, 1)
	require.Contains(t, text(0, ours[0]), ours[0])
	startFront(t, text(0, ours[0]), listeners...)
	startNginx(t, "daemon off;\n"+text(1, theirs[0]), theirs...)
	for i, addr := range []string{ours[0], theirs[0]} {
		c, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		io.WriteString(c, ask1)
		require.Eventually(t, func() bool { return taken[i].Load() >= file }, 20*time.Second, 10*time.Millisecond, "%s: %d", addr, taken[i].Load())
		time.Sleep(300 * time.Millisecond) // in which nginx would read much more
		assert.Less(t, taken[i].Load(), int64(3*file), addr)
		c.Close()
	}
}

// readResponse reads a reply of a connection that is then closed.
func readResponse(r io.Reader) ([]byte, error) {
	reply, err := http.ReadResponse(bufio.NewReader(r), nil)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reply.Body)
}
