// This file lets tests see what nothing outside can: the timers of deadlines.

package simnet

// StopTimers stops the timers of c's deadlines and returns how many were running.
func (c *Conn) StopTimers() (running int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range []*waiters{&c.readers, &c.writers} {
		if w.timer != nil && w.timer.Stop() {
			running++
		}
	}
	return running
}
