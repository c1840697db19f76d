//! A server and a client in one program, over UDP: the client says five words, the server says them back.
use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{process, ptr, slice, thread, time::Duration};

// The layouts of Valve's headers; structures that callbacks get are packed to 4 bytes everywhere but on Windows.

#[repr(C, packed)]
struct IpAddr {
    ip: [u8; 16],
    port: u16,
}

#[repr(C)]
struct Identity {
    kind: i32,
    size: i32,
    value: [u32; 32],
}

#[repr(C, packed(4))]
struct ConnectionInfo {
    identity: Identity,
    user_data: i64,
    listen_socket: u32,
    address: IpAddr,
    pad: u16,
    pop_remote: u32,
    pop_relay: u32,
    state: i32,
    end_reason: i32,
    end_debug: [c_char; 128],
    description: [c_char; 128],
    flags: i32,
    reserved: [u32; 63],
}

#[repr(C, packed(4))]
struct StatusChanged {
    connection: u32,
    info: ConnectionInfo,
    old_state: i32,
}

#[repr(C)]
struct Message {
    data: *const u8,
    size: i32,
    connection: u32,
    identity: Identity,
    connection_user_data: i64,
    time_received: i64,
    number: i64,
    free_data: *mut c_void,
    release: *mut c_void,
    channel: i32,
    flags: i32,
    user_data: i64,
    lane: u16,
    pad: u16,
}

const _: () = assert!(size_of::<StatusChanged>() == 704 && size_of::<Message>() == 216);

const CONNECTING: i32 = 1;
const CLOSED_BY_PEER: i32 = 4;
const PROBLEM_DETECTED_LOCALLY: i32 = 5;
const RELIABLE: c_int = 8;
const OK: c_int = 1;

#[link(name = "GameNetworkingSockets")]
#[allow(non_snake_case)]
unsafe extern "C" {
    fn GameNetworkingSockets_Init(identity: *const Identity, error: *mut c_char) -> bool;
    fn GameNetworkingSockets_Kill();
    fn SteamAPI_SteamNetworkingSockets_v009() -> *mut c_void;
    fn SteamAPI_SteamNetworkingUtils_v003() -> *mut c_void;
    fn SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(utils: *mut c_void, callback: extern "C" fn(*const StatusChanged)) -> bool;
    fn SteamAPI_SteamNetworkingIPAddr_SetIPv4(address: *mut IpAddr, ip: u32, port: u16);
    fn SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets: *mut c_void) -> u32;
    fn SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets: *mut c_void, connection: u32, group: u32) -> bool;
    fn SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(sockets: *mut c_void, local: *const IpAddr, n: c_int, options: *const c_void) -> u32;
    fn SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(sockets: *mut c_void, remote: *const IpAddr, n: c_int, options: *const c_void) -> u32;
    fn SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets: *mut c_void, connection: u32) -> c_int;
    fn SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets: *mut c_void, connection: u32, reason: c_int, debug: *const c_char, linger: bool) -> bool;
    fn SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets: *mut c_void, connection: u32, data: *const u8, size: u32, flags: c_int, number: *mut i64) -> c_int;
    fn SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(sockets: *mut c_void, connection: u32, out: *mut *mut Message, most: c_int) -> c_int;
    fn SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets: *mut c_void, group: u32, out: *mut *mut Message, most: c_int) -> c_int;
    fn SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets: *mut c_void);
    fn SteamAPI_SteamNetworkingMessage_t_Release(message: *mut Message);
}

static CLIENTS: AtomicU32 = AtomicU32::new(0);
static GONE: AtomicBool = AtomicBool::new(false);

fn fail(what: &str) -> ! {
    eprintln!("echo: {what}");
    process::exit(1)
}

/// Runs within RunCallbacks, in the thread that called it.
extern "C" fn status_changed(change: *const StatusChanged) {
    unsafe {
        let sockets = SteamAPI_SteamNetworkingSockets_v009();
        let connection = (*change).connection;
        let info = &raw const (*change).info;
        match (*info).state {
            CONNECTING if (*info).listen_socket != 0 => {
                SteamAPI_ISteamNetworkingSockets_AcceptConnection(sockets, connection);
                SteamAPI_ISteamNetworkingSockets_SetConnectionPollGroup(sockets, connection, CLIENTS.load(Ordering::Relaxed));
            }
            CLOSED_BY_PEER => {
                let reason = (*info).end_reason;
                println!("the client has gone: {reason}, {}", CStr::from_ptr((&raw const (*info).end_debug).cast()).to_string_lossy());
                SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, connection, 0, ptr::null(), false);
                GONE.store(true, Ordering::Relaxed);
            }
            PROBLEM_DETECTED_LOCALLY => fail(&CStr::from_ptr((&raw const (*info).end_debug).cast()).to_string_lossy()),
            _ => {}
        }
    }
}

/// The data of a message, which is released.
unsafe fn take(message: *mut Message) -> (u32, Vec<u8>) {
    unsafe {
        let size = (*message).size as usize;
        let data = if size == 0 { Vec::new() } else { slice::from_raw_parts((*message).data, size).to_vec() };
        let connection = (*message).connection;
        SteamAPI_SteamNetworkingMessage_t_Release(message);
        (connection, data)
    }
}

fn send(sockets: *mut c_void, connection: u32, data: &[u8]) {
    let result = unsafe {
        SteamAPI_ISteamNetworkingSockets_SendMessageToConnection(sockets, connection, data.as_ptr(), data.len() as u32, RELIABLE, ptr::null_mut())
    };
    if result != OK {
        fail(&format!("cannot send: {result}"));
    }
}

fn main() {
    let port = std::env::args().nth(1).map_or(27015, |port| port.parse().unwrap_or_else(|_| fail("the port must be a number")));
    let words = ["every", "word", "comes", "back", "again"];
    unsafe {
        let mut error = [0 as c_char; 1024];
        if !GameNetworkingSockets_Init(ptr::null(), error.as_mut_ptr()) {
            fail(&CStr::from_ptr(error.as_ptr()).to_string_lossy());
        }
        let sockets = SteamAPI_SteamNetworkingSockets_v009();
        SteamAPI_ISteamNetworkingUtils_SetGlobalCallback_SteamNetConnectionStatusChanged(SteamAPI_SteamNetworkingUtils_v003(), status_changed);
        let clients = SteamAPI_ISteamNetworkingSockets_CreatePollGroup(sockets);
        CLIENTS.store(clients, Ordering::Relaxed);

        let mut address = IpAddr { ip: [0; 16], port: 0 };
        SteamAPI_SteamNetworkingIPAddr_SetIPv4(&mut address, 0x7f000001, port);
        if SteamAPI_ISteamNetworkingSockets_CreateListenSocketIP(sockets, &address, 0, ptr::null()) == 0 {
            fail("cannot listen");
        }
        let server = SteamAPI_ISteamNetworkingSockets_ConnectByIPAddress(sockets, &address, 0, ptr::null());
        if server == 0 {
            fail("cannot connect");
        }
        for word in words {
            send(sockets, server, word.as_bytes()); // it waits until the connection is there
        }

        let mut back = Vec::new();
        for _ in 0..1000 {
            if GONE.load(Ordering::Relaxed) {
                break;
            }
            SteamAPI_ISteamNetworkingSockets_RunCallbacks(sockets);
            let mut message = ptr::null_mut();
            while SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnPollGroup(sockets, clients, &mut message, 1) > 0 {
                let (connection, data) = take(message);
                send(sockets, connection, &data);
            }
            while SteamAPI_ISteamNetworkingSockets_ReceiveMessagesOnConnection(sockets, server, &mut message, 1) > 0 {
                let word = String::from_utf8(take(message).1).unwrap_or_else(|_| fail("what came back is no text"));
                println!("{word}");
                back.push(word);
            }
            if back.len() == words.len() {
                SteamAPI_ISteamNetworkingSockets_CloseConnection(sockets, server, 1001, c"done".as_ptr(), true); // once: the handle is gone then
            }
            thread::sleep(Duration::from_millis(5));
        }
        if back != words || !GONE.load(Ordering::Relaxed) {
            fail("not every word came back");
        }
        GameNetworkingSockets_Kill();
    }
}
