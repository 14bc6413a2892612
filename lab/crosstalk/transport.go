// The upstream: what a handler under test calls, in memory.

package crosstalk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Transport returns an http.RoundTripper at whose other end is h, in memory. In a
// [Check], a call with a request's context (or one made from it) is a stop, and
// what it sends must hold nobody's data but that request's user's. Elsewhere it
// is a transport like any other, for as many goroutines as like.
//
// The reply has a Date, as those of net/http's server do. It is streamed: a body that is neither read to its end nor closed keeps
// a goroutine, as a connection of http.Transport's would.
func Transport(h http.Handler) http.RoundTripper { return &transport{h} }

type transport struct{ handler http.Handler }

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	var sent []byte
	if req.Body != nil {
		var err error
		sent, err = io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	if u := userOf(ctx); u != nil {
		u.calls(req, sent)
		u.stop(calling)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if t.handler == nil {
		return nil, errors.New("crosstalk: the transport has no handler to answer " + req.URL.String())
	}

	// The upstream is another server: it sees neither the caller's values nor its
	// user.
	far, cancel := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, cancel)
	out := req.Clone(far)
	out.Body, out.RequestURI = io.NopCloser(bytes.NewReader(sent)), req.URL.RequestURI()
	if out.Host == "" {
		out.Host = req.URL.Host
	}
	read, write := io.Pipe()
	a := &answer{req: req, header: http.Header{}, body: write, done: make(chan struct{})}
	a.reply.Body = &answerBody{read, func() { stop(); cancel() }}
	go func() {
		defer func() {
			if p := recover(); p != nil {
				a.begin(http.StatusBadGateway)
				write.CloseWithError(fmt.Errorf("the upstream panicked: %v", p))
			}
		}()
		t.handler.ServeHTTP(a, out)
		a.begin(http.StatusOK)
		write.Close()
	}()
	select {
	case <-a.done:
		return &a.reply, nil
	case <-ctx.Done():
		read.CloseWithError(context.Cause(ctx))
		cancel()
		return nil, context.Cause(ctx)
	}
}

// An answer is the upstream's http.ResponseWriter.
type answer struct {
	req    *http.Request
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	reply  http.Response
	done   chan struct{} // closed: reply is there, but for its body
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) { a.begin(status) }

func (a *answer) Write(p []byte) (int, error) {
	a.begin(http.StatusOK)
	return a.body.Write(p)
}

// Flush has nothing to do: what is written is sent.
func (a *answer) Flush() { a.begin(http.StatusOK) }

func (a *answer) begin(status int) {
	a.once.Do(func() {
		length := int64(-1)
		if n, err := strconv.ParseInt(a.header.Get("Content-Length"), 10, 64); err == nil {
			length = n
		}
		if _, set := a.header["Date"]; !set {
			a.header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		body := a.reply.Body
		a.reply = http.Response{
			Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: a.header.Clone(), Body: body, ContentLength: length, Request: a.req,
		}
		close(a.done)
	})
}

// answerBody is the body of an answer; closing it ends the upstream's request.
type answerBody struct {
	*io.PipeReader
	end func()
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.PipeReader.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

func (b *answerBody) Close() error {
	b.end()
	return b.PipeReader.Close()
}
