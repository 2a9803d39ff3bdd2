//! Laws of the flow table.

use proptest::prelude::*;

use super::*;

type OwnedFlow = ([Option<IpAddress>; 2], [Option<MacAddr>; 2], Ports, u16);

fn values(&([ref ip_dst, ref ip_src], [ref mac_dst, ref mac_src], ports, protocol): &OwnedFlow) -> FlowValues<'_> {
    FlowValues { ip: [ip_dst, ip_src], mac: [mac_dst, mac_src], ports, protocol }
}

fn any_values() -> impl Strategy<Value = OwnedFlow> {
    // Numbers that are the same, or zero, in addresses of other kinds.
    let ip = || {
        prop::sample::select(vec![
            None,
            Some(IpAddress::V4(0)),
            Some(IpAddress::V4(1)),
            Some(IpAddress::V6(0)),
            Some(IpAddress::V6(1)),
            Some(IpAddress::V6(1 << 64)),
        ])
    };
    let mac = || prop::sample::select(vec![None, Some(MacAddr(0)), Some(MacAddr(1)), Some(MacAddr(MAC))]);
    let port = || prop::sample::select(vec![NO_CODE, 0, 1, 65_535, (1 << 20) - 1]);
    let protocol = prop::sample::select(vec![NO_PROTOCOL, 0, 1, 255]);
    ([ip(), ip()], [mac(), mac()], port(), port(), protocol)
        .prop_map(|(ip, mac, dst, src, protocol)| (ip, mac, Ports { dst, src }, protocol))
}

proptest! {
    /// Law: rows have one code exactly if all their values are equal, in the order of their first appearance; and the values come
    /// back.
    #[test]
    fn a_flow_is_all_of_its_values(all in prop::collection::vec(any_values(), 1..200)) {
        let (mut table, mut ips, mut macs) = (FlowTable::default(), CodeTable::default(), CodeTable::default());
        let mut distinct: Vec<OwnedFlow> = Vec::new();
        for (row, one) in all.iter().enumerate() {
            let place = distinct.iter().position(|held| held == one).unwrap_or(distinct.len());
            if place == distinct.len() {
                distinct.push(*one);
            }
            prop_assert_eq!(table.code(row, &values(one), &mut ips, &mut macs) as usize, place);
        }
        prop_assert_eq!(table.all().len(), distinct.len());
        for (flow, one) in table.all().iter().zip(&distinct) {
            let (ip, mac) = (flow.ip.map(|code| ips.key(code)), flow.mac.map(|code| macs.key(code)));
            prop_assert_eq!((ip, mac, flow.ports, flow.protocol), *one);
        }
        table.clear();
        let first = &values(all.last().unwrap());
        prop_assert_eq!((table.code(0, first, &mut ips, &mut macs), table.all().len()), (0, 1));
    }
}

#[test]
fn rows_of_a_scan_have_their_values_and_the_next_row_group_has_flows_again() {
    let (mut table, mut ips, mut macs) = (FlowTable::default(), CodeTable::default(), CodeTable::default());
    for (each, flows) in [(1, MANY * 3), (3, MANY), (2, MANY * 3 / 2)] {
        let rows = u32::try_from(MANY * 3).unwrap();
        for row in 0..rows {
            let ip = [Some(IpAddress::V4(row / each)), Some(IpAddress::V6(u128::from(row / each)))];
            let mac = [Some(MacAddr(1)), None];
            let ports = Ports { dst: 80, src: NO_CODE };
            let one = (ip, mac, ports, 6);
            let code = table.code(row as usize, &values(&one), &mut ips, &mut macs);
            let flow = table.get(code);
            let found =
                (flow.ip.map(|code| ips.key(code)), flow.mac.map(|code| macs.key(code)), flow.ports, flow.protocol);
            assert_eq!(found, one);
        }
        assert!(table.all().len() <= flows, "{each}: {}", table.all().len());
        table.clear();
        ips.clear();
        macs.clear();
    }
}
