// A bounded number of polls, and an immediate no beyond it.

package feedsim

// enter takes a place for a request, or returns errBusy.
func (a *app) enter(name string) error {
	if a.places == nil {
		return nil
	}
	a.house.turns.pass(name)
	if !a.places.TryAcquire(1) {
		return errBusy
	}
	return nil
}

// leave gives back the place that enter took.
func (a *app) leave(name string) {
	if a.places == nil {
		return
	}
	a.house.turns.pass(name)
	a.places.Release(1)
}
