package snp

import "github.com/gogns/gns/reliability"

// trialSample is how many packets decide a trial.
const trialSample = 200

// trial finds out whether the peer refuses what goes beyond some limit, which looks like loss: if of
// trialSample packets that tried it so many more get lost than of the others, by half and by 3 % of all, it
// does.
type trial struct{ tried, others tally }

// tally counts packets with data.
type tally struct{ settled, lost int }

// observe takes what became of a packet, which tried the limit or not.
func (t *trial) observe(tried bool, flags reliability.Flags, fate reliability.Fate) {
	n := &t.others
	switch {
	case tried:
		n = &t.tried
	case flags&reliability.Timed == 0:
		return
	}
	switch fate {
	case reliability.AckedLate:
		n.lost = max(n.lost-1, 0)
		return
	case reliability.Lost:
		n.lost++
	}
	n.settled++
}

// refused judges whether packets are being refused, when there are enough of them.
func (t *trial) refused() bool {
	if t.tried.settled < trialSample {
		return false
	}
	more := t.tried.lost*t.others.settled*2 > t.others.lost*t.tried.settled*3 && t.others.settled >= trialSample/3
	refused := more && (t.tried.lost*t.others.settled-t.others.lost*t.tried.settled)*100 > 3*t.tried.settled*t.others.settled
	t.tried = tally{}
	t.others = tally{t.others.settled / 2, t.others.lost / 2}
	return refused
}
