// A server and a client in one program, over UDP: the client says five words, the server says them back.
using System;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;

static class Echo {
	const int Connecting = 1, ClosedByPeer = 4, ProblemDetectedLocally = 5; // states of connections
	const int Reliable = 8, ResultOK = 1;

	[StructLayout(LayoutKind.Sequential, Pack = 1)]
	struct Address {
		[MarshalAs(UnmanagedType.ByValArray, SizeConst = 16)] public byte[] IP;
		public ushort Port;
	}

	[StructLayout(LayoutKind.Sequential, Pack = 1, Size = 136)]
	struct Identity {
		public int Type, Size;
		[MarshalAs(UnmanagedType.ByValArray, SizeConst = 128)] public byte[] Value;
	}

	// Pack = 8 on Windows, as Valve's headers have it.
	[StructLayout(LayoutKind.Sequential, Pack = 4)]
	struct ConnectionInfo {
		public Identity Identity;
		public long UserData;
		public uint ListenSocket;
		public Address Address;
		public ushort Pad;
		public uint PopRemote, PopRelay;
		public int State, EndReason;
		[MarshalAs(UnmanagedType.ByValTStr, SizeConst = 128)] public string EndDebug;
		[MarshalAs(UnmanagedType.ByValTStr, SizeConst = 128)] public string Description;
		public int Flags;
		[MarshalAs(UnmanagedType.ByValArray, SizeConst = 63)] public uint[] Reserved;
	}

	[StructLayout(LayoutKind.Sequential, Pack = 4)]
	struct StatusChanged {
		public uint Connection;
		public ConnectionInfo Info;
		public int OldState;
	}

	[StructLayout(LayoutKind.Sequential)]
	struct Message {
		public IntPtr Data;
		public int Size;
		public uint Connection;
		public Identity Identity;
		public long ConnectionUserData, TimeReceived, Number;
		public IntPtr FreeData, Release;
		public int Channel, Flags;
		public long UserData;
		public ushort Lane, Pad;
	}

	[UnmanagedFunctionPointer(CallingConvention.Cdecl)] delegate void StatusCallback(ref StatusChanged change);
	[UnmanagedFunctionPointer(CallingConvention.Cdecl)] delegate void DebugCallback(int type, string text);

	const string lib = "GameNetworkingSockets";
	[DllImport(lib)] [return: MarshalAs(UnmanagedType.I1)] static extern bool GameNetworkingSockets_Init(IntPtr identity, StringBuilder error);
	[DllImport(lib)] static extern void GameNetworkingSockets_Kill();
	[DllImport(lib)] static extern IntPtr SteamAPI_SteamNetworkingSockets_v009();
	[DllImport(lib)] static extern IntPtr SteamAPI_SteamNetworkingUtils_v003();
	[DllImport(lib)] [return: MarshalAs(UnmanagedType.I1)]
	static extern bool SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(IntPtr utils, StatusCallback callback);
	[DllImport(lib)] static extern void SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(IntPtr utils, int level, DebugCallback callback);
	[DllImport(lib)] static extern void SteamAPI_SteamNetworkingIPAddr_SetIPv4(ref Address address, uint ip, ushort port);
	[DllImport(lib)] static extern uint SteamAPI_ISteamNetworkingSockets_CreatePollGroup(IntPtr sockets);
	[DllImport(lib)] [return: MarshalAs(UnmanagedType.I1)]
	static extern bool SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(IntPtr sockets, uint connection, uint group);
	[DllImport(lib)] static extern uint SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(IntPtr sockets, ref Address local, int n, IntPtr options);
	[DllImport(lib)] static extern uint SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(IntPtr sockets, ref Address remote, int n, IntPtr options);
	[DllImport(lib)] static extern int SteamAPI_ISteamNetworkingSockets_AcceptConnection(IntPtr sockets, uint connection);
	[DllImport(lib)] [return: MarshalAs(UnmanagedType.I1)]
	static extern bool SteamAPI_ISteamNetworkingSockets_CloseConnection(IntPtr sockets, uint connection, int reason, string debug,
		[MarshalAs(UnmanagedType.I1)] bool linger);
	[DllImport(lib)]
	static extern int SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(IntPtr sockets, uint connection, byte[] data, uint size, int flags, IntPtr number);
	[DllImport(lib)]
	static extern int SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(IntPtr sockets, uint connection, [Out] IntPtr[] messages, int most);
	[DllImport(lib)]
	static extern int SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(IntPtr sockets, uint group, [Out] IntPtr[] messages, int most);
	[DllImport(lib)] static extern void SteamAPI_ISteamNetworkingSockets_RunCallbacks(IntPtr sockets);
	[DllImport(lib)] static extern void SteamAPI_SteamNetworkingMessage_t_Release(IntPtr message);

	static IntPtr sockets;
	static uint clients;
	static bool gone;

	// The library keeps pointers to these delegates, which the garbage collector knows nothing of: fields keep them alive.
	static readonly StatusCallback statusCallback = StatusHasChanged;
	static readonly DebugCallback debugCallback = (type, text) => Console.Error.WriteLine("{0} {1}", type, text);

	static void Fail(string what) {
		Console.Error.WriteLine("echo: " + what);
		Environment.Exit(1);
	}

	// Runs within RunCallbacks, in the thread that called it. With Unity's IL2CPP it needs [AOT.MonoPInvokeCallback(typeof(StatusCallback))].
	static void StatusHasChanged(ref StatusChanged change) {
		if (change.Info.State == Connecting && change.Info.ListenSocket != 0) {
			SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets, change.Connection);
			SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets, change.Connection, clients);
		} else if (change.Info.State == ClosedByPeer) {
			Console.WriteLine("the client has gone: {0}, {1}", change.Info.EndReason, change.Info.EndDebug);
			SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, change.Connection, 0, null, false);
			gone = true;
		} else if (change.Info.State == ProblemDetectedLocally) {
			Fail(change.Info.EndDebug);
		}
	}

	// The data of a message, which is released.
	static byte[] Take(IntPtr pointer, out uint connection) {
		Message message = (Message)Marshal.PtrToStructure(pointer, typeof(Message));
		connection = message.Connection;
		byte[] data = new byte[message.Size];
		if (data.Length > 0)
			Marshal.Copy(message.Data, data, 0, data.Length);
		SteamAPI_SteamNetworkingMessage_t_Release(pointer);
		return data;
	}

	static void Send(uint connection, byte[] data) {
		int result = SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, connection, data, (uint)data.Length, Reliable, IntPtr.Zero);
		if (result != ResultOK)
			Fail("cannot send: " + result);
	}

	static void Main(string[] args) {
		ushort port = args.Length > 0 ? ushort.Parse(args[0]) : (ushort)27015;
		string[] words = { "every", "word", "comes", "back", "again" };
		StringBuilder error = new StringBuilder(1024);
		if (!GameNetworkingSockets_Init(IntPtr.Zero, error))
			Fail(error.ToString());
		sockets = SteamAPI_SteamNetworkingSockets_v009();
		IntPtr utils = SteamAPI_SteamNetworkingUtils_v003();
		SteamAPI_ISteamNetworkingUtils_SetDebugOutputFunction(utils, 4, debugCallback); // warnings, and what is worse
		SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils, statusCallback);
		clients = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);

		Address address = new Address();
		SteamAPI_SteamNetworkingIPAddr_SetIPv4(ref address, 0x7f000001, port);
		if (SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(sockets, ref address, 0, IntPtr.Zero) == 0)
			Fail("cannot listen");
		uint server = SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(sockets, ref address, 0, IntPtr.Zero);
		if (server == 0)
			Fail("cannot connect");
		foreach (string word in words)
			Send(server, Encoding.UTF8.GetBytes(word)); // it waits until the connection is there

		IntPtr[] messages = new IntPtr[16];
		int back = 0;
		uint from;
		for (int turns = 0; !gone; turns++) {
			if (turns == 1000)
				Fail("nothing happens");
			SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
			int n = SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets, clients, messages, messages.Length);
			for (int i = 0; i < n; i++) {
				byte[] data = Take(messages[i], out from);
				Send(from, data);
			}
			n = SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(sockets, server, messages, messages.Length);
			for (int i = 0; i < n; i++) {
				string word = Encoding.UTF8.GetString(Take(messages[i], out from));
				Console.WriteLine(word);
				if (word != words[back++])
					Fail("another word came back");
				if (back == words.Length)
					SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, server, 1001, "done", true);
			}
			Thread.Sleep(5);
		}
		GameNetworkingSockets_Kill();
	}
}
