// What the tests share: a server on a simulated network, diagnosed in virtual time.

package live_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"example.com/outagelab/lab/appserver"
	"example.com/outagelab/lab/bubble"
	"example.com/outagelab/lab/live"
	"example.com/outagelab/lab/simnet"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestMain(m *testing.M) {
	bubble.Tune()
	goleak.VerifyTestMain(m)
}

const address = "127.0.0.1:8000"

// A server is what is diagnosed.
type server struct {
	config *worker.Config // nil is net/http
	app    func() http.Handler
	wrap   func(http.Handler) http.Handler
}

// poc is the PoC's app on a worker model.
func poc(config worker.Config, seed uint64) server {
	config.Seed = seed
	return server{config: &config, app: pocserver.Instances(seed)}
}

// without answers 404 for some paths, as an app does that lacks them.
func (s server) without(paths ...string) server {
	lack := map[string]bool{}
	for _, p := range paths {
		lack[p] = true
	}
	s.wrap = func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if lack[r.URL.Path] {
				http.NotFound(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
	return s
}

// plain is a handler on net/http.
func plain(h http.HandlerFunc) server {
	return server{app: func() http.Handler { return h }}
}

// inBubble runs f in virtual time.
func inBubble(f func() error) error {
	return bubble.Run(nil, 5*time.Second, bubble.Patient, f)
}

func targetOn(network *simnet.Network) live.Target {
	return live.Target{URL: "http://" + address, Host: address, Dial: func(ctx context.Context) (net.Conn, error) {
		return network.DialContext(ctx, "tcp", address)
	}}
}

// diagnose serves, diagnoses, and returns the report and the progress.
func (s server) diagnose(t *testing.T) (*live.Report, string) {
	t.Helper()
	var report *live.Report
	var progress bytes.Buffer
	require.NoError(t, inBubble(func() error {
		var network simnet.Network
		running, err := appserver.Start(&network, address, s.config, s.app, s.wrap)
		if err != nil {
			return err
		}
		report, err = live.Diagnose(context.Background(), targetOn(&network), &progress)
		if err != nil {
			running.Close(time.Second)
			return err
		}
		return running.Close(time.Minute)
	}))
	return report, progress.String()
}

// listening diagnoses what answers each connection itself. It has ended when the
// listener is closed.
func listening(t *testing.T, ctx context.Context, answer func(net.Conn)) (report *live.Report, failed error) {
	t.Helper()
	require.NoError(t, inBubble(func() error {
		var network simnet.Network
		ln, err := network.Listen(address)
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				go func() {
					defer conn.Close()
					answer(conn)
				}()
			}
		}()
		report, failed = live.Diagnose(ctx, targetOn(&network), nil)
		return ln.Close()
	}))
	return report, failed
}

// says answers a connection with some bytes once it has sent something.
func says(text string) func(net.Conn) {
	return func(conn net.Conn) {
		_, _ = conn.Read(make([]byte, 4096))
		_, _ = io.WriteString(conn, text)
	}
}

func possible(r *live.Report) []live.Model {
	return append(firm(r), conditional(r)...)
}

// firm are the models that are possible whatever else holds.
func firm(r *live.Report) []live.Model {
	return left(r, func(v live.Verdict) bool { return v.Why == "" })
}

// conditional are those that are possible only if something holds.
func conditional(r *live.Report) []live.Model {
	return left(r, func(v live.Verdict) bool { return v.Why != "" })
}

func left(r *live.Report, which func(live.Verdict) bool) (models []live.Model) {
	for _, v := range r.Possible {
		if which(v) {
			models = append(models, v.Model)
		}
	}
	return models
}

// repairedView serves /dirty/ as /dirty_fixed/.
func repairedView(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/dirty/" {
			r.URL.Path = "/dirty_fixed/"
		}
		h.ServeHTTP(w, r)
	})
}
