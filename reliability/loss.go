package reliability

// LossRate estimates which share of packets a path loses: an exponentially weighted mean over about 128
// packets. The zero value knows of no loss.
type LossRate struct {
	scaled int32 // share of lossOne
}

const (
	lossOne   = 1 << 20
	lossShift = 7 // one packet counts for 1/128
)

// Set replaces the estimate, in thousandths.
func (l *LossRate) Set(permille int) {
	l.scaled = int32(int64(max(min(permille, 1000), 0)) * lossOne / 1000)
}

// Observe takes what became of one packet.
func (l *LossRate) Observe(lost bool) {
	l.scaled -= l.scaled >> lossShift
	if lost {
		l.scaled += lossOne >> lossShift
	}
}

// Withdraw takes back that a packet was lost: it was only late.
func (l *LossRate) Withdraw() {
	l.scaled = max(l.scaled-lossOne>>lossShift, 0)
}

// PerMille returns the estimate in thousandths.
func (l *LossRate) PerMille() int { return int(int64(l.scaled) * 1000 / lossOne) }
