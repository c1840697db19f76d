package reliability

// LossRate estimates which share of packets a path loses: an exponentially weighted mean over about 128
// packets. Before there were as many, it is the mean of all, counted as if lossPrior had arrived before.
// The zero value knows of no loss.
type LossRate struct {
	scaled int32 // share of lossOne
	seen   uint8 // packets on top of lossPrior, up to lossWindow in all
}

const (
	lossOne    = 1 << 20
	lossWindow = 128
	lossPrior  = 24
)

// Set replaces the estimate, in thousandths.
func (l *LossRate) Set(permille int) {
	l.scaled = int32(int64(max(min(permille, 1000), 0)) * lossOne / 1000)
	l.seen = lossWindow - lossPrior
}

// Observe takes what became of one packet.
func (l *LossRate) Observe(lost bool) {
	if l.seen < lossWindow-lossPrior {
		l.seen++
	}
	weight := lossPrior + int32(l.seen)
	l.scaled -= l.scaled / weight
	if lost {
		l.scaled += lossOne / weight
	}
}

// Withdraw takes back that a packet was lost: it was only late.
func (l *LossRate) Withdraw() {
	l.scaled = max(l.scaled-lossOne/(lossPrior+int32(l.seen)), 0)
}

// PerMille returns the estimate in thousandths.
func (l *LossRate) PerMille() int { return int(int64(l.scaled) * 1000 / lossOne) }
