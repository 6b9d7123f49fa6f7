-- A private Prosody 0.12 for the tests and the demo. It listens on loopback only, and every path and port comes from
-- the environment of the process: SERVER_FOLDER, PROSODY_MODULES (the folder beside this file), and the ports below.

run_as_root = true -- only matters in a container, where there is nobody else to be
data_path = ENV_SERVER_FOLDER .. "/data"
pidfile = ENV_SERVER_FOLDER .. "/prosody.pid"
log = { { levels = { min = "info" }, to = "file", filename = ENV_SERVER_FOLDER .. "/server.log" } }
plugin_paths = { ENV_PROSODY_MODULES }
certificates = ENV_SERVER_FOLDER
interfaces = { "127.0.0.1" }
c2s_ports = { tonumber(ENV_C2S_PORT) }
c2s_direct_tls_ports = { tonumber(ENV_DIRECT_TLS_PORT) }
s2s_ports = { tonumber(ENV_S2S_PORT) }
s2s_direct_tls_ports = {}
http_ports = {}
https_ports = {}

local certificate = {
	key = ENV_SERVER_FOLDER .. "/server.key",
	certificate = ENV_SERVER_FOLDER .. "/server.pem",
}
ssl = certificate
c2s_require_encryption = true
s2s_require_encryption = true
s2s_secure_auth = false
authentication = "internal_hashed"
storage = "internal"

modules_enabled = {
	"roster", "saslauth", "tls", "disco", "dialback", "s2s", "presence", "message", "iq", "offline",
	"blocklist", "bookmarks", "carbons", "csi", "csi_simple", "mam", "pep", "ping", "private", "smacks",
	"time", "uptime", "user_account_management", "vcard4", "vcard_legacy", "version",
}
smacks_hibernation_time = 60
archive_expires_after = "never"

-- The ordinary server: TLS demanded, SCRAM-SHA-1, stream management, archive, rooms.
VirtualHost "example.test"

-- Everything TLS would forbid: passwords in the clear, accounts for whoever asks.
VirtualHost "plain.test"
	authentication = "internal_plain"
	c2s_require_encryption = false
	allow_unencrypted_plain_auth = true
	modules_enabled = { "register_ibr" }
	allow_registration = true

-- No account needed.
VirtualHost "anon.test"
	authentication = "anonymous"

-- Stored as SCRAM-SHA-256.
VirtualHost "hashed256.test"
	password_hash = "SHA-256"

-- TLS 1.2 and no later: Prosody 0.12 offers SCRAM with channel binding only there.
VirtualHost "tls12.test"
	password_hash = "SHA-256"
	ssl = {
		key = certificate.key,
		certificate = certificate.certificate,
		protocol = "tlsv1_2",
	}

-- Logs in by the client's certificate, signed by the same authority.
VirtualHost "external.test"
	authentication = "ccert"
	ssl = {
		key = certificate.key,
		certificate = certificate.certificate,
		cafile = ENV_SERVER_FOLDER .. "/ca.pem",
		verify = { "peer" },
	}

-- XEP-0388 beside the old SASL, with Bind 2. Debian's modules for more of it need a later Prosody.
VirtualHost "sasl2.test"
	password_hash = "SHA-256"
	modules_enabled = { "connection_info", "sasl2", "sasl2_bind2" }

-- The servers of the examples in the manual and the README.
VirtualHost "example.org"

VirtualHost "staff.example.org"
	authentication = "ccert"
	ssl = {
		key = certificate.key,
		certificate = certificate.certificate,
		cafile = ENV_SERVER_FOLDER .. "/ca.pem",
		verify = { "peer" },
	}

Component "rooms.example.org" "muc"
	restrict_room_creation = false
	muc_room_locking = false
	muc_room_default_history_length = 20
	muc_tombstones = false

Component "rooms.example.test" "muc"
	modules_enabled = { "muc_mam" }
	restrict_room_creation = false
	muc_room_default_history_length = 20
	muc_tombstones = false

Component "pubsub.example.test" "pubsub"
