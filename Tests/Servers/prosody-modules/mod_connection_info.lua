-- Debian's mod_sasl2 asks a connection about its TLS in a way that only a later Prosody understands. This answers it.

module:hook("stream-features", function (event)
	local connection = event.origin.conn;
	if connection.ssl_info then return; end
	function connection:ssl_info()
		local socket = self:socket();
		return socket.info and socket:info();
	end
	function connection:ssl_peerfinished()
		local socket = self:socket();
		return socket.getpeerfinished and socket:getpeerfinished();
	end
end, 1000);
