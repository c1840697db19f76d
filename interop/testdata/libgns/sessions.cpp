// A user of the messages interface who does what lines of its input say, and tells in lines of its output what happens.
//
// Arguments: its identity; "functions" to make signaling objects with CreateCustomSignaling instead of as C++ objects; "locked" to hold
// the lock that SendSignal and the debug output function take during all calls of the library.
#include "gns.h"

#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

// The two classes that applications implement.
class ISteamNetworkingConnectionSignaling {
public:
	virtual bool SendSignal(HSteamNetConnection conn, const SteamNetConnectionInfo_t &info, const void *signal, int size) = 0;
	virtual void Release() = 0;
};

class ISteamNetworkingSignalingRecvContext {
public:
	virtual ISteamNetworkingConnectionSignaling *OnConnectRequest(HSteamNetConnection conn, const SteamNetworkingIdentity &peer,
		int localVirtualPort) = 0;
	virtual void SendRejectionSignal(const SteamNetworkingIdentity &peer, const void *signal, int size) = 0;
};

namespace {

ISteamNetworkingSockets *sockets;
ISteamNetworkingMessages *messages;
ISteamNetworkingUtils *utils;

bool withFunctions; // see above
bool locked;

// The application's lock. Signals are sent, and debug output comes, in any thread.
std::recursive_mutex lock;

std::atomic<int> objects; // signaling objects that are not released

template <typename... T> void tell(const char *format, T... args)
{
	std::lock_guard<std::recursive_mutex> hold(lock);
	printf(format, args...);
	putchar('\n');
	fflush(stdout);
}

std::string name(const SteamNetworkingIdentity &id)
{
	char text[k_cchMaxSteamNetworkingIdentityString];
	SteamAPI_SteamNetworkingIdentity_ToString(&id, text, sizeof text);
	return text;
}

SteamNetworkingIdentity identity(const std::string &name)
{
	SteamNetworkingIdentity id;
	if (!SteamAPI_SteamNetworkingIdentity_ParseString(&id, sizeof id, name.c_str()))
		tell("bad identity %s", name.c_str());
	return id;
}

void sendSignal(const std::string &to, const void *signal, int size)
{
	std::string hex;
	for (int i = 0; i < size; i++) {
		char digits[3];
		snprintf(digits, sizeof digits, "%02x", static_cast<const unsigned char *>(signal)[i]);
		hex += digits;
	}
	tell("signal %s %s", to.c_str(), hex.c_str());
}

// The way to a peer, as an object of C++.
class Way final : public ISteamNetworkingConnectionSignaling {
	const std::string to;

public:
	explicit Way(std::string peer) : to(std::move(peer)) { objects++; }

	bool SendSignal(HSteamNetConnection, const SteamNetConnectionInfo_t &, const void *signal, int size) override
	{
		sendSignal(to, signal, size);
		return true;
	}

	void Release() override
	{
		std::lock_guard<std::recursive_mutex> hold(lock);
		delete this;
		objects--;
	}
};

// The same, for functions.
bool waySend(void *to, HSteamNetConnection, const SteamNetConnectionInfo_t *, const void *signal, int size)
{
	sendSignal(*static_cast<std::string *>(to), signal, size);
	return true;
}

void wayRelease(void *to)
{
	std::lock_guard<std::recursive_mutex> hold(lock);
	delete static_cast<std::string *>(to);
	objects--;
}

ISteamNetworkingConnectionSignaling *wayTo(const SteamNetworkingIdentity &peer)
{
	if (!withFunctions)
		return new Way(name(peer));
	objects++;
	return SteamAPI_ISteamNetworkingSockets_CreateCustomSignaling(new std::string(name(peer)), waySend, wayRelease);
}

// Who lets everybody in whom listen sockets, or the messages interface, let in.
class Door final : public ISteamNetworkingSignalingRecvContext {
public:
	ISteamNetworkingConnectionSignaling *OnConnectRequest(HSteamNetConnection, const SteamNetworkingIdentity &peer, int) override
	{
		return wayTo(peer);
	}

	void SendRejectionSignal(const SteamNetworkingIdentity &peer, const void *signal, int size) override
	{
		sendSignal(name(peer), signal, size);
	}
};

ISteamNetworkingConnectionSignaling *doorRequest(void *door, HSteamNetConnection conn, const SteamNetworkingIdentity *peer, int port)
{
	return static_cast<Door *>(door)->OnConnectRequest(conn, *peer, port);
}

void doorReject(void *door, const SteamNetworkingIdentity *peer, const void *signal, int size)
{
	static_cast<Door *>(door)->SendRejectionSignal(*peer, signal, size);
}

void receiveSignal(const std::string &hex)
{
	std::string signal;
	for (size_t i = 0; i + 1 < hex.size(); i += 2)
		signal += static_cast<char>(strtol(hex.substr(i, 2).c_str(), nullptr, 16));
	Door door;
	int size = static_cast<int>(signal.size());
	if (withFunctions)
		SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal2(sockets, signal.data(), size, &door, doorRequest, doorReject);
	else
		SteamAPI_ISteamNetworkingSockets_ReceivedP2PCustomSignal(sockets, signal.data(), size, &door);
}

// Callbacks.

ISteamNetworkingConnectionSignaling *createSignaling(ISteamNetworkingSockets *self, const SteamNetworkingIdentity *peer, int, int)
{
	return self == sockets ? wayTo(*peer) : nullptr;
}

void sessionRequest(SteamNetworkingMessagesSessionRequest_t *request) { tell("request %s", name(request->m_identityRemote).c_str()); }

void sessionFailed(SteamNetworkingMessagesSessionFailed_t *failed)
{
	const SteamNetConnectionInfo_t info = failed->m_info; // that one is packed
	tell("failed %s %d %d", name(info.m_identityRemote).c_str(), info.m_eState, info.m_eEndReason);
}

void statusChanged(SteamNetConnectionStatusChangedCallback_t *changed)
{
	const SteamNetConnectionInfo_t info = changed->m_info;
	tell("status %d %d %s", changed->m_eOldState, info.m_eState, name(info.m_identityRemote).c_str());
}

int bugs; // that the library says there are

void debugOutput(ESteamNetworkingSocketsDebugOutputType level, const char *text)
{
	std::lock_guard<std::recursive_mutex> hold(lock);
	if (level == k_ESteamNetworkingSocketsDebugOutputType_Bug)
		bugs++;
	fprintf(stderr, "[%d] %s\n", level, text);
}

uint64_t sum(const void *data, int size)
{
	uint64_t h = 14695981039346656037u; // FNV-1a
	for (int i = 0; i < size; i++)
		h = (h ^ static_cast<const unsigned char *>(data)[i]) * 1099511628211u;
	return h;
}

std::vector<int> channels; // that are looked at

void receive()
{
	for (int channel : channels) {
		SteamNetworkingMessage_t *some[16];
		int n = SteamAPI_ISteamNetworkingMessages_ReceiveMessagesOnChannel(messages, channel, some, 16);
		for (int i = 0; i < n; i++) {
			SteamNetworkingMessage_t *m = some[i];
			tell("heard %d %s %d %d %" PRIu64 " %u", m->m_nChannel, name(m->m_identityPeer).c_str(), m->m_nFlags, m->m_cbSize,
				sum(m->m_pData, m->m_cbSize), m->m_conn);
			SteamAPI_SteamNetworkingMessage_t_Release(m);
		}
	}
}

// say sends a message, which is the text again and again up to its size.
void say(std::istringstream &line)
{
	std::string to, text;
	int channel = 0, flags = 0;
	size_t size = 0;
	line >> to >> channel >> flags >> size >> text;
	std::string data;
	while (data.size() < size)
		data += text.substr(0, size - data.size());
	SteamNetworkingIdentity id = identity(to);
	tell("result %d", SteamAPI_ISteamNetworkingMessages_SendMessageToUser(messages, &id, data.data(), static_cast<uint32_t>(size),
		flags, channel));
}

void tellInfo(const SteamNetworkingIdentity &id)
{
	SteamNetConnectionInfo_t info;
	SteamNetConnectionRealTimeStatus_t status;
	memset(&info, 0x55, sizeof info);
	memset(&status, 0x55, sizeof status);
	int state = SteamAPI_ISteamNetworkingMessages_GetSessionConnectionInfo(messages, &id, &info, &status);
	tell("info %d %s %d %d %u %d", state, name(info.m_identityRemote).c_str(), info.m_eState, info.m_eEndReason, info.m_hListenSocket,
		status.m_eState);
}

// obey does what a line says, and returns false if that is to end.
bool obey(const std::string &command)
{
	std::istringstream line(command);
	std::string what, to;
	int number = 0, value = 0;
	line >> what;
	if (what == "signal") {
		line >> to;
		receiveSignal(to);
	} else if (what == "say") {
		say(line);
	} else if (what == "channels") {
		channels.clear();
		while (line >> number)
			channels.push_back(number);
	} else if (what == "set") {
		line >> number >> value;
		tell("result %d", SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValueInt32(utils, static_cast<ESteamNetworkingConfigValue>(number), value));
	} else if (what == "quit") {
		return false;
	} else {
		line >> to >> number;
		SteamNetworkingIdentity id = identity(to);
		if (what == "accept")
			tell("result %d", SteamAPI_ISteamNetworkingMessages_AcceptSessionWithUser(messages, &id));
		else if (what == "close")
			tell("result %d", SteamAPI_ISteamNetworkingMessages_CloseSessionWithUser(messages, &id));
		else if (what == "close-channel")
			tell("result %d", SteamAPI_ISteamNetworkingMessages_CloseChannelWithUser(messages, &id, number));
		else if (what == "info")
			tellInfo(id);
		else
			tell("unknown command %s", what.c_str());
	}
	return true;
}

// input does what came in, and returns false at the end.
bool input(std::string &buffered)
{
	char some[4096];
	ssize_t n = read(STDIN_FILENO, some, sizeof some);
	if (n <= 0)
		return false;
	buffered.append(some, n);
	for (size_t end; (end = buffered.find('\n')) != std::string::npos; buffered.erase(0, end + 1)) {
		if (!obey(buffered.substr(0, end)))
			return false;
	}
	return true;
}

// setFunction is what works with both libraries: Valve's has not all functions for callbacks.
template <typename F> void setFunction(ESteamNetworkingConfigValue value, F *function)
{
	if (!SteamAPI_ISteamNetworkingUtils_SetGlobalConfigValuePtr(utils, value, reinterpret_cast<void *>(function)))
		tell("value %d cannot be set", value);
}

bool start(const SteamNetworkingIdentity &self)
{
	utils = SteamAPI_SteamNetworkingUtils_v003();
	SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(utils, k_ESteamNetworkingSocketsDebugOutputType_Verbose, debugOutput);
	SteamNetworkingErrMsg why;
	if (!GameNetworkingSockets_Init(&self, why)) {
		tell("cannot start: %s", why);
		return false;
	}
	sockets = SteamAPI_SteamNetworkingSockets_v009();
	messages = SteamAPI_SteamNetworkingMessages_v002();
	setFunction(k_ESteamNetworkingConfig_Callback_CreateConnectionSignaling, createSignaling);
	setFunction(k_ESteamNetworkingConfig_Callback_MessagesSessionRequest, sessionRequest);
	setFunction(k_ESteamNetworkingConfig_Callback_MessagesSessionFailed, sessionFailed);
	SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils, statusChanged);
	return true;
}

} // namespace

int main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		withFunctions |= !strcmp(argv[i], "functions");
		locked |= !strcmp(argv[i], "locked");
	}
	if (argc < 2 || !start(identity(argv[1])))
		return 1;
	tell("ready %s", argv[1]);
	std::string buffered;
	for (bool more = true; more;) {
		struct pollfd in = {STDIN_FILENO, POLLIN, 0};
		bool some = poll(&in, 1, 2) > 0;
		std::unique_lock<std::recursive_mutex> hold(lock, std::defer_lock);
		if (locked)
			hold.lock();
		more = !some || input(buffered);
		SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
		receive();
	}
	GameNetworkingSockets_Kill();
	tell("left %d objects, %d bugs", objects.load(), bugs);
	return 0;
}
