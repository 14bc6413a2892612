// An app on net/http or on a worker model, from its start to its end.

// Package appserver serves an app on a simulated network: on a worker model, or on
// net/http with none.
package appserver

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver/worker"
)

// A Server serves an app until it is closed.
type Server struct {
	server interface {
		Serve(net.Listener) error
		Close() error
	}
	served chan error

	mu   sync.Mutex
	apps []io.Closer
}

// Start serves an app at an address of the network, on the worker model of config,
// or with nil on net/http. newApp makes an instance for each worker that boots; if
// that is an io.Closer it is closed in the end. wrap, if it is not nil, is put
// around each.
//
// What net/http has to say of panics and bad requests is discarded. The error is
// of the address, or names the field of config that cannot be.
func Start(network *simnet.Network, address string, config *worker.Config, newApp func() http.Handler, wrap func(http.Handler) http.Handler) (*Server, error) {
	s := &Server{served: make(chan error, 1)}
	app := func() http.Handler {
		h := newApp()
		if closer, ok := h.(io.Closer); ok {
			s.mu.Lock()
			s.apps = append(s.apps, closer)
			s.mu.Unlock()
		}
		if wrap != nil {
			h = wrap(h)
		}
		return h
	}
	ln, err := network.Listen(address)
	if err != nil {
		return nil, err
	}
	if config == nil {
		s.server = &http.Server{Handler: app(), ErrorLog: log.New(io.Discard, "", 0)}
	} else if s.server, err = worker.New(*config, app); err != nil {
		ln.Close()
		return nil, err
	}
	go func() { s.served <- s.server.Serve(ln) }()
	return s, nil
}

// Close cuts every connection, waits until the server has ended, and closes the
// app's instances. A server that takes longer than patience is left behind, and no
// error: what keeps it is its handlers' doing.
func (s *Server) Close(patience time.Duration) error {
	err := s.server.Close()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case serving := <-s.served:
		if !errors.Is(serving, http.ErrServerClosed) {
			err = errors.Join(err, serving)
		}
	case <-timer.C:
	}
	s.mu.Lock()
	apps := s.apps
	s.mu.Unlock()
	for _, app := range apps {
		err = errors.Join(err, app.Close())
	}
	return err
}
