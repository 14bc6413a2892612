// One run after another: what differs, by how much, and what does not.

package fidelity_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/gonum/stat"

	"example.com/outagelab/lab/fidelity"
	"example.com/outagelab/pocserver"
	"example.com/outagelab/pocserver/worker"
)

// Of 2,000 draws the standard deviation is known to 1/√(2·2000) = 1.6 %, and the
// mean to 1/√2000 = 2.2 % of it; both are held to four times that.
func TestWhatIsDrawnHasTheCalibratedSpread(t *testing.T) {
	const n, deviationWithin, meanWithin = 2000, 4 * 0.016, 4 * 0.022
	server := worker.Defaults(worker.Threaded)
	server.CPU, server.SleepOvershoot, server.AcceptAgain = time.Millisecond, time.Millisecond, 0.5
	var cpu, boot, overshoot, again []float64
	for seed := range uint64(n) {
		c := fidelity.Vary(server, seed)
		cpu = append(cpu, math.Log(float64(c.CPU)/float64(server.CPU)))
		boot = append(boot, math.Log(float64(c.BootTime)/float64(server.BootTime)))
		overshoot = append(overshoot, math.Log(float64(c.SleepOvershoot)/float64(server.SleepOvershoot)))
		again = append(again, c.AcceptAgain-server.AcceptAgain)
	}
	for _, c := range []struct {
		name   string
		drawn  []float64
		spread float64
	}{
		{"CPU", cpu, fidelity.PaceSpread},
		{"SleepOvershoot", overshoot, fidelity.OvershootSpread},
		{"AcceptAgain", again, fidelity.AcceptAgainSpread},
	} {
		mean, deviation := stat.MeanStdDev(c.drawn, nil)
		assert.InDelta(t, 0, mean, meanWithin*c.spread, "mean of %s", c.name)
		assert.InEpsilon(t, c.spread, deviation, deviationWithin, "standard deviation of %s", c.name)
	}
	assert.InDeltaSlice(t, cpu, boot, 1e-6, "a machine that computes slower boots as much slower")
	assert.InDelta(t, 0, stat.Correlation(cpu, overshoot, nil), 4/math.Sqrt(n), "how it sleeps is drawn by itself")
}

func TestASeedIsOneMachine(t *testing.T) {
	sync, async := pocserver.RunSync(), pocserver.RunAsync()
	sync.CPU, async.CPU = fidelity.SyncCPU, 2*fidelity.SyncCPU
	assert.Equal(t, fidelity.Vary(sync, 7), fidelity.Vary(sync, 7))
	assert.NotEqual(t, fidelity.Vary(sync, 7), fidelity.Vary(sync, 8))
	assert.InDelta(t, float64(2*fidelity.Vary(sync, 7).CPU), float64(fidelity.Vary(async, 7).CPU), 2, "two servers of one run")
}

func TestWhatCostsNothingStillDoes(t *testing.T) {
	server := pocserver.RunDev()
	assert.Equal(t, server, fidelity.Vary(server, 1), "no CPU, no overshoot, no boot, no worker that could accept again")
}

func TestThreadedWorkersAreNeverAFairDraw(t *testing.T) {
	server := worker.Defaults(worker.Threaded)
	require.Zero(t, server.AcceptAgain)
	var again []float64
	for seed := range uint64(1000) {
		again = append(again, fidelity.Vary(server, seed).AcceptAgain)
	}
	assert.InDelta(t, fidelity.AcceptAgain, stat.Mean(again, nil), 4*fidelity.AcceptAgainSpread/math.Sqrt(1000), "around the calibrated tendency")
}

func TestWhateverIsDrawnIsAServer(t *testing.T) {
	for _, again := range []float64{0.01, 0.98} {
		server := worker.Defaults(worker.Threaded)
		server.AcceptAgain = again
		for seed := range uint64(100) {
			_, err := worker.New(fidelity.Vary(server, seed), pocserver.Instances(1))
			require.NoError(t, err, "seed %d", seed)
		}
	}
}
