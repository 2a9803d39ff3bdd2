#!/usr/bin/env bash
# Records the real captures of data/captures: a small office network made of network
# namespaces on this machine. No packet leaves it: the namespaces are joined by a bridge
# that has no way out.
#
#     sudo scripts/samples/record_captures.sh [OUT]          OUT defaults to data/captures
#     python3 scripts/samples/make_captures.py               afterwards: EXPECTED.tsv and README.md again
#
# Needs root, a Linux with network namespaces, and: iproute2, tcpdump, dnsmasq (the binary is
# enough), dig, curl, ping, python3, and editcap of Wireshark for the pcapng file.
#
#     parcap-net        the provider: bridge, name server, web servers; the place of recording
#     parcap-laptop     192.0.2.10  2001:db8::10
#     parcap-phone      192.0.2.11  2001:db8::11
#     parcap-printer    192.0.2.12  2001:db8::12
#
# Addresses are those for documentation (RFC 5737, RFC 3849), and so are the MAC addresses
# (RFC 7042, 2.1.2) and names (RFC 2606).
set -euo pipefail

out=${1:-$(dirname "$0")/../../data/captures}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
net=parcap-net
clients=(laptop phone printer)
servers=()      # process ids to end when the script does

# ---------------------------------------------------------------- tools of the script

in_net() { ip netns exec "$net" "$@"; }
on() { local client=$1; shift; ip netns exec "parcap-$client" "$@"; }

clean_up() {
    local id name
    for id in "${servers[@]}"; do kill "$id" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for name in "$net" "${clients[@]/#/parcap-}"; do
        ip netns del "$name" 2>/dev/null || true
        rm -rf "/etc/netns/$name"
    done
    rmdir /etc/netns 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

# start_recording NAMESPACE FILE TCPDUMP-ARGUMENTS...: returns when tcpdump listens.
start_recording() {
    local namespace=$1 file=$2
    shift 2
    : >"$work/tcpdump.log"
    ip netns exec "$namespace" tcpdump -Z root -n -U --immediate-mode -w "$file" "$@" 2>"$work/tcpdump.log" &
    recorder=$!
    for _ in $(seq 100); do
        grep -q 'listening on' "$work/tcpdump.log" && return
        sleep 0.05
    done
    cat "$work/tcpdump.log" >&2
    exit 1
}

stop_recording() {
    sleep 0.5
    kill -INT "$recorder"
    wait "$recorder" || true
    grep -q '^0 packets dropped by kernel' "$work/tcpdump.log" || { cat "$work/tcpdump.log" >&2; exit 1; }
}

# ---------------------------------------------------------------- the network

add_client() {      # add_client NAME NUMBER
    local name=parcap-$1 number=$2
    mkdir -p "/etc/netns/$name"
    echo "nameserver 192.0.2.53" >"/etc/netns/$name/resolv.conf"
    ip netns add "$name"
    ip link add eth0 netns "$name" address "00:00:5e:00:53:$number" type veth peer name "port$number" netns "$net"
    in_net ip link set "port$number" master br0 up
    # One segment a packet: without this the recording shows 60 KB "packets" that no wire carries.
    in_net ip link set "port$number" gso_max_segs 1
    ip -n "$name" link set eth0 gso_max_segs 1
    ip -n "$name" link set lo up
    ip -n "$name" link set eth0 up
    ip -n "$name" addr add "192.0.2.$number/24" dev eth0
    ip -n "$name" addr add "2001:db8::$number/64" dev eth0 nodad
    ip -n "$name" route add default via 192.0.2.1
    ip -n "$name" route add default via 2001:db8::1
}

build_network() {
    ip netns add "$net"
    in_net ip link set lo up
    in_net ip link add br0 address 00:00:5e:00:53:01 type bridge
    in_net ip link set br0 gso_max_segs 1 up
    local address
    for address in 192.0.2.1/24 192.0.2.53/24 198.51.100.10/32 198.51.100.20/32 203.0.113.5/32; do
        in_net ip addr add "$address" dev br0
    done
    for address in 2001:db8::1/64 2001:db8::53/64 2001:db8:100::10/128 2001:db8:100::20/128; do
        in_net ip addr add "$address" dev br0 nodad
    done
    add_client laptop 10
    add_client phone 11
    add_client printer 12
}

start_name_server() {
    cat >"$work/dnsmasq.conf" <<-'CONF'
	keep-in-foreground
	user=root
	pid-file
	no-resolv
	no-hosts
	listen-address=192.0.2.53,2001:db8::53,127.0.0.1,::1
	bind-interfaces
	edns-packet-max=4096
	local=/example.com/
	local=/example.net/
	local=/in-addr.arpa/
	local=/ip6.arpa/
	host-record=www.example.com,198.51.100.10,2001:db8:100::10
	host-record=files.example.com,198.51.100.20,2001:db8:100::20
	host-record=mail.example.com,198.51.100.25
	host-record=api.example.net,203.0.113.5
	host-record=ns.example.net,192.0.2.53,2001:db8::53
	cname=blog.example.com,www.example.com
	cname=docs.example.net,files.example.com
	mx-host=example.com,mail.example.com,10
	txt-record=example.com,"v=spf1 mx -all"
	srv-host=_http._tcp.example.com,www.example.com,80
	CONF
    # An answer that needs several fragments.
    local line="thirty short lines do not fit into one packet, and this is one of them"
    for _ in $(seq 30); do echo "txt-record=long.example.net,\"$_ $line\""; done >>"$work/dnsmasq.conf"
    ip netns exec "$net" dnsmasq --conf-file="$work/dnsmasq.conf" 2>"$work/dnsmasq.log" &
    servers+=($!)
}

start_web_servers() {
    mkdir "$work/www"
    make_text 40 >"$work/www/index.html"
    make_text 120 >"$work/www/news.html"
    make_text 400 >"$work/www/report.txt"
    (cd "$work/www" && exec ip netns exec "$net" python3 -m http.server --bind :: 80) >/dev/null 2>&1 &
    servers+=($!)
}

make_text() { for line in $(seq "$1"); do printf 'line %03d of a page that says nothing, at some length\n' "$line"; done; }

wait_for_servers() {
    for _ in $(seq 100); do
        on laptop dig +time=1 +tries=1 @192.0.2.53 ns.example.net >/dev/null 2>&1 \
            && on laptop curl -s -o /dev/null http://198.51.100.10/ && break
        sleep 0.1
    done
    # Forgotten neighbours are asked for again, so that a recording begins with ARP and NDP.
    local name
    for name in "$net" "${clients[@]/#/parcap-}"; do ip -n "$name" neigh flush all; done
    sleep 1
}

# ---------------------------------------------------------------- what people do

get() { local client=$1; shift; on "$client" curl -s --max-time 5 "$@" >/dev/null || true; }
ask() { local client=$1; shift; on "$client" dig +time=1 +tries=1 "$@" >/dev/null || true; }

laptop_work() {
    get laptop http://www.example.com/ http://www.example.com/news.html
    sleep 1.2
    ask laptop @192.0.2.53 MX example.com
    get laptop -4 http://blog.example.com/report.txt
    sleep 2.1
    ask laptop @192.0.2.53 wwww.example.com
    get laptop http://wwww.example.com/
    sleep 0.6
    get laptop -6 http://www.example.com/
    ask laptop @192.0.2.53 +tcp TXT example.com
    sleep 3.3
    get laptop http://docs.example.net/report.txt
    ask laptop @2001:db8::53 -x 198.51.100.10
    sleep 1.7
    get laptop -I http://files.example.com/news.html
    get laptop http://www.example.com/nothing-here
}

phone_work() {
    sleep 0.4
    for _ in 1 2 3 4 5 6 7; do
        get phone http://api.example.net/index.html
        sleep 1.1
        ask phone @2001:db8::53 AAAA www.example.com
        sleep 0.7
    done
    get phone -6 http://files.example.com/report.txt
}

printer_work() {
    sleep 0.2
    on printer ping -q -n -c 4 -i 0.5 192.0.2.1 >/dev/null
    for _ in 1 2 3; do
        ask printer @192.0.2.53 update.printer.example.net
        sleep 1.5
    done
    on printer ping -q -n -6 -c 5 -i 0.5 2001:db8:100::10 >/dev/null
    get printer http://files.example.com/index.html
    get printer http://mail.example.com/        # nobody answers there
}

# ---------------------------------------------------------------- the recordings

record_office_hour() {
    start_recording "$net" "$out/office-hour.pcap" -i br0 -s 256
    laptop_work & local laptop=$!
    phone_work & local phone=$!
    printer_work & local printer=$!
    wait "$laptop" "$phone" "$printer"
    stop_recording
}

record_dns() {
    start_recording "$net" "$work/dns.pcap" -i br0 --time-stamp-precision=nano port 53
    local question
    for question in 'A www.example.com' 'AAAA www.example.com' 'A blog.example.com' 'CNAME blog.example.com' \
        'A docs.example.net' 'MX example.com' 'TXT example.com' 'SRV _http._tcp.example.com' 'A missing.example.com' \
        'AAAA api.example.net' 'PTR 10.100.51.198.in-addr.arpa' 'A WWW.Example.COM'; do
        # shellcheck disable=SC2086  # a type and a name
        ask laptop @192.0.2.53 $question
        # shellcheck disable=SC2086
        ask phone @2001:db8::53 +noedns $question
    done
    ask laptop @192.0.2.53 +tcp A www.example.com
    ask laptop @2001:db8::53 +tcp TXT long.example.net
    stop_recording
    editcap -F pcapng "$work/dns.pcap" "$out/dns.pcapng"
}

record_fragments() {
    start_recording "$net" "$out/fragments.pcap" -i br0
    ask laptop @192.0.2.53 +bufsize=4096 +ignore TXT long.example.net
    ask laptop @2001:db8::53 +bufsize=4096 +ignore TXT long.example.net
    on laptop ping -q -n -c 2 -i 0.2 -s 4000 192.0.2.1 >/dev/null
    on laptop ping -q -n -6 -c 2 -i 0.2 -s 4000 2001:db8::1 >/dev/null
    stop_recording
}

record_any() {
    start_recording "$net" "$out/any.pcap" -i any -y LINUX_SLL2
    on phone ping -q -n -c 2 -i 0.2 192.0.2.1 >/dev/null
    on printer ping -q -n -6 -c 2 -i 0.2 2001:db8::1 >/dev/null
    in_net dig +time=1 +tries=1 @127.0.0.1 www.example.com >/dev/null
    stop_recording
}

record_loopback() {
    start_recording "$net" "$out/loopback.pcap" -i lo
    in_net dig +time=1 +tries=1 @127.0.0.1 www.example.com >/dev/null
    in_net dig +time=1 +tries=1 @::1 AAAA files.example.com >/dev/null
    in_net curl -s -o /dev/null http://127.0.0.1/
    in_net ping -q -n -c 2 -i 0.2 127.0.0.1 >/dev/null
    in_net ping -q -n -6 -c 2 -i 0.2 ::1 >/dev/null
    stop_recording
}

# One question and one answer each of multicast DNS (RFC 6762) and of LLMNR (RFC 4795).
record_multicast() {
    start_recording "$net" "$out/multicast-dns.pcap" -i br0
    cat >"$work/multicast.py" <<-'PYTHON'
	import socket, struct, sys, time

	def name(text):
	    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"

	def question(text):
	    return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + name(text) + struct.pack(">2H", 1, 1)

	def answer(ident, text, address, asked, cls):
	    head = struct.pack(">6H", ident, 0x8400 if not asked else 0x8000, asked, 1, 0, 0)
	    body = name(text) + struct.pack(">2H", 1, 1) if asked else b""
	    return head + body + name(text) + struct.pack(">2HIH", 1, cls, 120, 4) + socket.inet_aton(address)

	def group_socket(family, own, group, port):
	    s = socket.socket(family, socket.SOCK_DGRAM)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.bind(("", port))
	    if family == socket.AF_INET:
	        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(own))
	        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
	        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
	    else:
	        index = socket.if_nametoindex("eth0")
	        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(family, group) + struct.pack("@I", index))
	        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
	        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
	    return s

	role, own = sys.argv[1:]
	v4 = group_socket(socket.AF_INET, own, "224.0.0.251", 5353)
	v6 = group_socket(socket.AF_INET6, own, "ff02::fb", 5353)
	llmnr = group_socket(socket.AF_INET, own, "224.0.0.252", 5355)
	if role == "asks":
	    time.sleep(0.5)
	    v4.sendto(question("printer.local"), ("224.0.0.251", 5353))
	    time.sleep(0.5)
	    v6.sendto(question("printer.local"), ("ff02::fb", 5353))
	    time.sleep(0.5)
	    llmnr.sendto(question("printer"), ("224.0.0.252", 5355))
	    time.sleep(0.5)
	else:
	    v4.recv(1500)
	    v4.sendto(answer(0, "printer.local", own, 0, 0x8001), ("224.0.0.251", 5353))
	    v6.recv(1500)
	    v6.sendto(answer(0, "printer.local", own, 0, 0x8001), ("ff02::fb", 5353))
	    _, asker = llmnr.recvfrom(1500)
	    llmnr.sendto(answer(0, "printer", own, 1, 1), asker)
	PYTHON
    on printer timeout 10 python3 "$work/multicast.py" answers 192.0.2.12 & local answers=$!
    on laptop timeout 10 python3 "$work/multicast.py" asks 192.0.2.10
    wait "$answers"
    stop_recording
}

build_network
start_name_server
start_web_servers
wait_for_servers
record_office_hour
record_dns
record_fragments
record_any
record_loopback
record_multicast
chmod 644 "$out"/{office-hour,fragments,any,loopback,multicast-dns}.pcap "$out/dns.pcapng"
ls -l "$out"
