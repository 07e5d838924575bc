//! How much one client may ask for.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _, clock::DefaultClock};

/// A client's whole allowance for one second is refilled in one second; so many of them can be saved up.
const BURST: u32 = 5;

/// Clients that are remembered until those who asked for nothing lately are forgotten.
const CLIENTS: usize = 10_000;

/// The header in which a proxy tells whom it speaks for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who asks: an address, and of IPv6 a network, as one household has a whole one.
pub(super) type Client = IpAddr;

/// Requests a second and client.
#[derive(Clone, Debug, Default)]
pub struct RateLimit {
    limiter: Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>,
    behind_proxy: bool,
}

impl RateLimit {
    /// So many requests a second from each client, and five times as many at once. Behind a proxy the client is the last
    /// one that `X-Forwarded-For` names, which the proxy must set.
    pub fn new(per_second: NonZeroU32, behind_proxy: bool) -> Self {
        let quota = Quota::per_second(per_second)
            .allow_burst(per_second.saturating_mul(const { NonZeroU32::new(BURST).unwrap() }));
        Self { limiter: Some(Arc::new(RateLimiter::keyed(quota))), behind_proxy }
    }

    /// Counts a request; if there were too many, how long to wait.
    pub(super) fn admit(&self, client: Client) -> Result<(), Duration> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > CLIENTS {
            limiter.retain_recent();
        }
        limiter.check_key(&client).map_err(|refused| refused.wait_time_from(DefaultClock::default().now()))
    }

    /// Whose request it is.
    pub(super) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> Client {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
        let forwarded = || {
            let last = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?.rsplit(',').next()?;
            last.trim().parse().ok()
        };
        let address = if self.behind_proxy { forwarded().or(peer) } else { peer };
        network(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(behind_proxy: bool, peer: &str, forwarded: &[&'static str]) -> String {
        let limit = RateLimit { limiter: None, behind_proxy };
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().expect("an address"), 1)));
        let headers = forwarded.iter().map(|value| {
            (axum::http::HeaderName::from_static(FORWARDED_FOR), axum::http::HeaderValue::from_static(value))
        });
        limit.client(&headers.collect(), &extensions).to_string()
    }

    #[test]
    fn a_client_is_whom_the_proxy_names_and_only_if_there_is_one() {
        assert_eq!(client(false, "192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client(true, "192.0.2.1", &["203.0.113.9, 198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(true, "192.0.2.1", &["203.0.113.9", "198.51.100.7"]), "198.51.100.7");
        assert_eq!(client(true, "192.0.2.1", &["nonsense"]), "192.0.2.1");
        assert_eq!(client(true, "192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        assert_eq!(client(false, "2001:db8:1:2:3:4:5:6", &[]), "2001:db8:1:2::");
        assert_eq!(client(false, "::ffff:192.0.2.1", &[]), "192.0.2.1");
    }

    #[test]
    fn a_client_that_asks_too_much_waits_and_others_do_not() {
        let limit = RateLimit::new(NonZeroU32::new(2).expect("not zero"), false);
        let (one, other) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V4(Ipv4Addr::BROADCAST));
        let mut admitted = 0;
        let wait = loop {
            match limit.admit(one) {
                Ok(()) => admitted += 1,
                Err(wait) => break wait,
            }
        };
        assert!(admitted >= 10, "as many at once: {admitted}");
        assert!(wait <= Duration::from_millis(500), "{wait:?}");
        assert!(limit.admit(other).is_ok());
    }
}
