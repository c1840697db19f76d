package snp

import "github.com/gogns/gns/reliability"

// trialSample is how many packets decide a trial.
const trialSample = 200

// trial finds out whether the peer refuses what goes beyond some limit, which looks like loss: if of
// trialSample packets that tried it so many more get lost than of the others, by half and by 3 % of all, it
// does.
type trial struct{ tried, others tally }

// tally counts packets with data.
type tally struct{ settled, lost int32 }

// tallied is how many packets a tally counts before it lets go of half of what it knows.
const tallied = 1 << 24

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
	if n.settled++; n.settled == tallied {
		n.settled, n.lost = n.settled/2, n.lost/2
	}
}

// refused judges whether packets are being refused, when there are enough of them.
func (t *trial) refused() bool {
	if t.tried.settled < trialSample {
		return false
	}
	lost, tried := int64(t.tried.lost), int64(t.tried.settled)
	othersLost, others := int64(t.others.lost), int64(t.others.settled)
	more := lost*others*2 > othersLost*tried*3 && others >= trialSample/3
	refused := more && (lost*others-othersLost*tried)*100 > 3*tried*others
	t.tried = tally{}
	t.others = tally{t.others.settled / 2, t.others.lost / 2}
	return refused
}
