// The names of a server's parts, as flags and files say them.

package worker_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver/worker"
)

func TestModelsAreReadAsTheyAreWritten(t *testing.T) {
	for i, name := range []string{"sync", "threaded", "evented", "uvicorn", "thread-per-request"} {
		assert.Equal(t, name, models[i].String())
		text, err := models[i].MarshalText()
		require.NoError(t, err)
		assert.Equal(t, name, string(text))
		var m worker.Model
		require.NoError(t, m.UnmarshalText([]byte(name)))
		assert.Equal(t, models[i], m)
		assert.Equal(t, name == "evented" || name == "uvicorn", m.EventLoop(), name)
	}
	unknown := worker.Model(0)
	assert.Equal(t, "Model(0)", unknown.String())
	_, err := unknown.MarshalText()
	assert.EqualError(t, err, "worker: unknown model 0")
	assert.EqualError(t, unknown.UnmarshalText([]byte("gevent")),
		`unknown worker model "gevent": want sync, threaded, evented, uvicorn or thread-per-request`)
}

func TestRepliesAreReadAsTheyAreWritten(t *testing.T) {
	for name, want := range map[string]worker.Replies{"at-once": worker.AtOnce, "end-of-turn": worker.EndOfTurn} {
		text, err := want.MarshalText()
		require.NoError(t, err)
		assert.Equal(t, name, string(text))
		r := worker.Replies(7)
		require.NoError(t, r.UnmarshalText(text))
		assert.Equal(t, want, r)
	}
	r := worker.Replies(7)
	assert.Equal(t, "Replies(7)", r.String())
	assert.EqualError(t, r.UnmarshalText([]byte("later")), `unknown moment for replies "later": want at-once or end-of-turn`)
}

func TestAServerInWords(t *testing.T) {
	for want, cfg := range map[string]worker.Config{
		"1 sync worker":                  config(worker.Sync),
		"2 evented workers":              config(worker.Evented, func(c *worker.Config) { c.Workers = 2 }),
		"1 threaded worker × 1 thread":   config(worker.Threaded),
		"3 threaded workers × 4 threads": config(worker.Threaded, func(c *worker.Config) { c.Workers, c.Threads = 3, 4 }),
		"a thread per request":           config(worker.ThreadPerRequest),
	} {
		assert.Equal(t, want, cfg.String())
	}
}
