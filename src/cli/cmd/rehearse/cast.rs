//! Who takes part: the devices of a hub or a snapshot, or those that documents declare; of very many a sample of each kind.

use std::collections::{BTreeSet, HashMap};

use futures_util::{Stream, StreamExt as _, pin_mut};

use crate::{
    cli::{Failure, access::Twins},
    fleet::Fleet,
    plan::{PlanError, Planner},
    reconcile::{
        ports::{HubError, Page, TwinRead as _},
        rehearsal::{Cast, Origin},
    },
    twin::{DeviceId, Map, TwinRow},
};

/// Most devices that play: each is an agent with a connection and a folder.
const MOST: u64 = 2000;

/// One device that plays.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) id: DeviceId,
    pub(super) tags: Map,
    pub(super) desired: Map,
    pub(super) reported: Map,
    /// Whether it answers: it was connected where its twin comes from.
    pub(super) is_online: bool,
}

impl Player {
    fn of(row: &TwinRow<'_>) -> Result<Self, PlanError> {
        Ok(Self {
            id: row.id()?,
            tags: row.tags()?,
            desired: row.properties.desired.values()?,
            reported: row.properties.reported.values()?,
            is_online: row.connection_state.as_deref() != Some("Disconnected"),
        })
    }

    fn new(id: DeviceId) -> Self {
        Self { id, tags: Map::new(), desired: Map::new(), reported: Map::new(), is_online: true }
    }
}

/// Everybody who plays, and for whom.
/// `base` are the documents that the rehearsal begins with, if there are others.
pub(super) async fn cast(
    planner: &Planner,
    base: Option<&Fleet>,
    twins: Option<&Twins>,
) -> Result<(Vec<Player>, Cast), Failure> {
    let from = match twins {
        None => Origin::Documents,
        Some(twins) if twins.is_snapshot() => Origin::Snapshot,
        Some(_) => Origin::Hub,
    };
    let mut all = Choice::new(planner, base, MOST);
    all.take(twins).await?;
    let sample_of = (all.total > MOST).then_some(all.total);
    if sample_of.is_some() {
        // Nobody keeps a million twins: they are looked at once more.
        all = Choice { of: Some(all.total), ..Choice::new(planner, base, MOST) };
        all.take(twins).await?;
    }
    let players = all.players;
    let offline = players.iter().filter(|player| !player.is_online).count() as u64;
    let cast = Cast { devices: players.len() as u64, offline, sample_of, from };
    Ok((players, cast))
}

/// Chooses who plays.
struct Choice<'a> {
    planner: &'a Planner,
    base: Option<&'a Fleet>,
    /// Most that play, if there are not more kinds than that.
    most: u64,
    /// How many there are, once that is known to be too many.
    of: Option<u64>,
    total: u64,
    /// How many of each kind were seen.
    kinds: HashMap<u64, u64>,
    players: Vec<Player>,
    /// Declared devices that were seen.
    seen: BTreeSet<DeviceId>,
}

impl<'a> Choice<'a> {
    fn new(planner: &'a Planner, base: Option<&'a Fleet>, most: u64) -> Self {
        let (kinds, players, seen) = (HashMap::new(), Vec::new(), BTreeSet::new());
        Self { planner, base, most, of: None, total: 0, kinds, players, seen }
    }

    async fn take(&mut self, twins: Option<&Twins>) -> Result<(), Failure> {
        if let Some(twins) = twins {
            self.pages(twins.twins("SELECT * FROM devices")).await?;
        }
        let declared = [Some(self.planner.fleet()), self.base].into_iter().flatten().flat_map(|fleet| &fleet.devices);
        for (id, device) in declared {
            // One that the hub does not know, and that will not be registered, does not come to be.
            let is_new = twins.is_none() || device.identity.is_some();
            if is_new && self.seen.insert(id.clone()) {
                let text = serde_json::json!({ "deviceId": id }).to_string();
                let row = TwinRow::parse(&text)?;
                self.choose(&row, |_| Ok(Player::new(id.clone())))?;
            }
        }
        Ok(())
    }

    async fn pages(&mut self, pages: impl Stream<Item = Result<Page, HubError>>) -> Result<(), Failure> {
        pin_mut!(pages);
        while let Some(page) = pages.next().await {
            let mut result: Result<(), Failure> = Ok(());
            page?.for_each(|row| {
                if result.is_ok() {
                    result = match row {
                        Ok(row) if row.module_id.is_none() => self.row(&row).map_err(Failure::from),
                        Ok(_) => Ok(()),
                        Err(error) => Err(error.into()),
                    };
                }
            })?;
            result?;
        }
        Ok(())
    }

    fn row(&mut self, row: &TwinRow<'_>) -> Result<(), PlanError> {
        if let Some((id, _)) = self.planner.fleet().devices.get_key_value(&*row.device_id) {
            self.seen.insert(id.clone());
        }
        self.choose(row, Player::of)
    }

    fn choose(
        &mut self,
        row: &TwinRow<'_>,
        player: impl Fn(&TwinRow<'_>) -> Result<Player, PlanError>,
    ) -> Result<(), PlanError> {
        self.total += 1;
        let plays = match self.of {
            None => self.total <= self.most,
            Some(of) => {
                let kind = match self.planner.kind(row) {
                    Ok(kind) => kind,
                    // The plan will say what is wrong with it.
                    Err(PlanError::Unresolved(_)) => 0,
                    Err(fault) => return Err(fault),
                };
                let seen = self.kinds.entry(kind).or_default();
                *seen += 1;
                // One of each kind at least, and of a large kind its share.
                (*seen == 1 || *seen * self.most / of > (*seen - 1) * self.most / of)
                    && (self.players.len() as u64) < 2 * self.most
            }
        };
        match (plays, self.of) {
            (true, _) => self.players.push(player(row)?),
            (false, None) => self.players.clear(),
            (false, Some(_)) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::plan::tests::{fleet, planner, profile};

    /// Who plays of a thousand devices that should have `mtu` 1500: every tenth has another, one alone was never ours.
    fn players(most: u64, of: Option<u64>) -> (Vec<String>, u64) {
        let planner =
            planner("r1", vec![("r1", fleet(vec![profile("base", None, 0, json!({ "net": { "mtu": 1500 } }))]))]);
        let mut choice = Choice { of, ..Choice::new(&planner, None, most) };
        for number in 0..1000 {
            let mtu = if number % 10 == 0 { 9000 } else { 1500 };
            let ours = if number == 777 { "other" } else { "test" };
            let twin = json!({
                "deviceId": format!("d{number:03}"), "etag": "e",
                "tags": { "twinops": { ours: { "revision": "r1", "sources": ["Profile/base"] } } },
                "properties": { "desired": { "net": { "mtu": mtu, "dns": "a" } } },
            });
            choice.row(&TwinRow::parse(&twin.to_string()).unwrap()).unwrap();
        }
        (choice.players.into_iter().map(|player| player.id.to_string()).collect(), choice.total)
    }

    #[test]
    fn of_too_many_devices_each_kind_plays_with_its_share_and_one_at_least() {
        let (none, total) = players(20, None);
        assert_eq!((none.len(), total), (0, 1000), "too many are not kept");
        let (some, _) = players(20, Some(total));
        let others = some.iter().filter(|id| id.ends_with('0')).count();
        assert_eq!((some.len(), others), (22, 3), "{some:?}");
        assert!(some.contains(&"d777".to_owned()), "{some:?}");
    }

    #[test]
    fn all_play_where_they_are_not_too_many() {
        assert_eq!(players(1000, None).0.len(), 1000);
    }
}
