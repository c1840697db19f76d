package luasteam

import (
	"fmt"
	"math"

	lua "github.com/yuin/gopher-lua"

	"github.com/gogns/gns"
)

// maxReceive is how many messages a script gets at a time.
const maxReceive = 32

// flagsTable makes Steam.networkingSockets.flags.
func flagsTable(L *lua.LState) *lua.LTable {
	t := L.NewTable()
	for name, flag := range map[string]gns.SendFlags{
		"Send_Unreliable":        gns.SendUnreliable,
		"Send_UnreliableNoNagle": gns.SendUnreliableNoNagle,
		"Send_UnreliableNoDelay": gns.SendUnreliableNoDelay,
		"Send_Reliable":          gns.SendReliable,
		"Send_ReliableNoNagle":   gns.SendReliableNoNagle,
	} {
		t.RawSetString(name, lua.LNumber(flag))
	}
	return t
}

// sendFlags returns whether a number can be send flags, and which.
func sendFlags(i int64) (gns.SendFlags, bool) {
	return gns.SendFlags(i), 0 <= i && i <= math.MaxInt32
}

// sendMessageToConnection is Steam.networkingSockets.sendMessageToConnection.
func (m *Module) sendMessageToConnection(a args) int {
	c, data := a.connection(1), a.text(2, "message")
	flags, ok := sendFlags(a.integer(3, "flag"))
	if !ok {
		a.fail(3, "flag", "one of Steam.networkingSockets.flags expected, got %v", a.Get(3))
	}
	_, err := m.sockets(a).SendMessageToConnection(c, []byte(data), flags)
	return a.result(err)
}

// sendMessages is Steam.networkingSockets.sendMessages.
func (m *Module) sendMessages(a args) int {
	n, table := a.integer(1, "n"), a.table(2, "messages")
	if n < 0 {
		a.fail(1, "n", "a number of messages expected, got %d", n)
	}
	s := m.sockets(a)
	var messages []*gns.OutMessage
	for i := int64(1); i <= n; i++ {
		messages = append(messages, a.outMessage(2, table.RawGet(lua.LNumber(i)), i))
	}
	s.SendMessages(messages)
	results := a.CreateTable(len(messages), 0)
	for i, msg := range messages {
		results.RawSetInt(i+1, lua.LBool(msg.Err == nil))
	}
	a.Push(results)
	return 1
}

// outMessage reads entry i of the table of messages that is argument n.
func (a args) outMessage(n int, v lua.LValue, i int64) *gns.OutMessage {
	entry := fmt.Sprintf("messages[%d]", i)
	t, ok := v.(*lua.LTable)
	if !ok {
		a.fail(n, entry, "table expected, got %s", v.Type())
	}
	conn, ok := integer(t.RawGetString("conn"))
	if !ok {
		a.wrongInteger(n, entry+".conn", t.RawGetString("conn"), t.RawGetString("conn").Type().String())
	}
	data := t.RawGetString("msg")
	if !lua.LVCanConvToString(data) {
		a.fail(n, entry+".msg", "string expected, got %s", data.Type())
	}
	flag, ok := integer(t.RawGetString("flag"))
	if !ok {
		a.wrongInteger(n, entry+".flag", t.RawGetString("flag"), t.RawGetString("flag").Type().String())
	}
	flags, ok := sendFlags(flag)
	if !ok {
		a.fail(n, entry+".flag", "one of Steam.networkingSockets.flags expected, got %d", flag)
	}
	return &gns.OutMessage{Conn: toConnection(conn), Data: []byte(lua.LVAsString(data)), Flags: flags}
}

// flushMessagesOnConnection is Steam.networkingSockets.flushMessagesOnConnection.
func (m *Module) flushMessagesOnConnection(a args) int {
	c := a.connection(1)
	return a.result(m.sockets(a).FlushMessagesOnConnection(c))
}

// receiveMessagesOnConnection is Steam.networkingSockets.receiveMessagesOnConnection.
func (m *Module) receiveMessagesOnConnection(a args) int {
	c := a.connection(1)
	n, err := m.sockets(a).ReceiveMessagesOnConnection(c, m.batch[:])
	return m.received(a, n, err, func(msg *gns.Message) lua.LValue { return lua.LString(msg.Data) })
}

// receiveMessagesOnPollGroup is Steam.networkingSockets.receiveMessagesOnPollGroup.
func (m *Module) receiveMessagesOnPollGroup(a args) int {
	g := a.pollGroup(1)
	n, err := m.sockets(a).ReceiveMessagesOnPollGroup(g, m.batch[:])
	return m.received(a, n, err, func(msg *gns.Message) lua.LValue {
		t := a.CreateTable(0, 2)
		t.RawSetString("conn", connectionNumber(msg.Conn))
		t.RawSetString("msg", lua.LString(msg.Data))
		return t
	})
}

// received returns the n messages in m.batch to the script, each as value makes it.
func (m *Module) received(a args, n int, err error, value func(*gns.Message) lua.LValue) int {
	if err != nil {
		a.Push(lua.LNumber(-1))
		a.Push(lua.LNil)
		return 2
	}
	t := a.CreateTable(n, 0)
	for i, msg := range m.batch[:n] {
		t.RawSetInt(i+1, value(msg))
		msg.Release()
		m.batch[i] = nil
	}
	a.Push(lua.LNumber(n))
	a.Push(t)
	return 2
}

// createPollGroup is Steam.networkingSockets.createPollGroup.
func (m *Module) createPollGroup(a args) int {
	a.Push(lua.LNumber(m.sockets(a).CreatePollGroup()))
	return 1
}

// destroyPollGroup is Steam.networkingSockets.destroyPollGroup.
func (m *Module) destroyPollGroup(a args) int {
	g := a.pollGroup(1)
	return a.success(m.sockets(a).DestroyPollGroup(g))
}

// setConnectionPollGroup is Steam.networkingSockets.setConnectionPollGroup. Poll group 0 takes the
// connection out of the one it is in.
func (m *Module) setConnectionPollGroup(a args) int {
	c, g := a.connection(1), a.pollGroup(2)
	return a.success(m.sockets(a).SetConnectionPollGroup(c, g))
}
