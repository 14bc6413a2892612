// The deployments are the PoC's own, and each is a server that can be built.

package pocserver_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

func TestEachDeploymentIsThePoCsOwn(t *testing.T) {
	for _, c := range []struct {
		original    string
		config      worker.Config
		says        string
		timeout     time.Duration
		maxRequests int
		keepAlive   time.Duration
		connections int
	}{
		{"run.django", pocserver.RunDev(), "a thread per request", 0, 0, worker.Defaults(worker.ThreadPerRequest).KeepAlive, 0},
		{"run.gunicorn", pocserver.RunSync(), "1 sync worker", 300 * time.Second, 500, 0, 1000},
		{"run.uvicorn", pocserver.RunAsync(), "1 uvicorn worker", 0, 0, 5 * time.Second, 0},
		{"run.gunicorn.uvicorn", pocserver.RunAsync12(), "12 uvicorn workers", 300 * time.Second, 500, 2 * time.Second, 0},
	} {
		t.Run(c.original, func(t *testing.T) {
			assert.Equal(t, c.says, c.config.String())
			assert.Equal(t, c.timeout, c.config.Timeout, "worker timeout")
			assert.Equal(t, c.maxRequests, c.config.MaxRequests, "max requests")
			assert.Equal(t, c.keepAlive, c.config.KeepAlive, "keep-alive")
			assert.Equal(t, c.connections, c.config.WorkerConnections, "worker connections")
			_, err := worker.New(c.config, pocserver.Instances(1))
			require.NoError(t, err)
		})
	}
}
