// A session store with its client: what the off-by-one's pool has connections to.

package broken

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"time"
)

// A storeConn is a connection to the store, which answers the commands of a
// connection in the order in which it gets them, a line for a line.
type storeConn struct {
	net.Conn
	replies *bufio.Reader
	expiry  *time.Timer // closes it, unless somebody takes it before
}

func dialStore() *storeConn {
	here, there := net.Pipe()
	go serveStore(there)
	return &storeConn{Conn: here, replies: bufio.NewReader(here)}
}

// get asks the store for a session. It gives up when ctx ends.
func (c *storeConn) get(ctx context.Context, id string) (reply string, err error) {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.SetDeadline(time.Now())
		close(interrupted)
	})
	if _, err = io.WriteString(c, "GET "+url.QueryEscape(id)+"\n"); err == nil {
		reply, err = c.replies.ReadString('\n')
	}
	if !stop() {
		<-interrupted
		_ = c.SetDeadline(time.Time{})
	}
	return reply, err
}

// serveStore is the store's end of a connection.
func serveStore(conn net.Conn) {
	defer conn.Close()
	commands := make(chan string, 64)
	go func() {
		defer close(commands)
		for lines := bufio.NewScanner(conn); lines.Scan(); {
			commands <- lines.Text()
		}
	}()
	for command := range commands {
		time.Sleep(20 * time.Millisecond)
		_, _ = io.WriteString(conn, "user of "+command[len("GET "):]+"\n")
	}
}
