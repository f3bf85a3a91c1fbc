//! Stores that stand before another one.

/// `forward!(store: get, scan)` in an `impl Store` hands these methods on to `self.store`.
macro_rules! forward {
    ($to:ident: $($method:ident),+ $(,)?) => { $($crate::hub::store::forward!(@$method $to);)+ };
    (@get $to:ident) => {
        async fn get(
            &self,
            link: &$crate::hub::ports::LinkId,
        ) -> Result<Option<$crate::hub::record::Record>, $crate::hub::store::StoreError> {
            self.$to.get(link).await
        }
    };
    (@write $to:ident) => {
        async fn write(
            &self,
            batch: Vec<$crate::hub::store::Change>,
        ) -> Result<$crate::hub::store::Outcome, $crate::hub::store::StoreError> {
            self.$to.write(batch).await
        }
    };
    (@note $to:ident) => {
        fn note(&self, change: $crate::hub::store::Change) {
            self.$to.note(change);
        }
    };
    (@claim $to:ident) => {
        async fn claim(
            &self,
            link: &$crate::hub::ports::LinkId,
            identity: &str,
            at: &str,
        ) -> Result<$crate::hub::store::Outcome, $crate::hub::store::StoreError> {
            self.$to.claim(link, identity, at).await
        }
    };
    (@scan $to:ident) => {
        async fn scan(
            &self,
            span: $crate::hub::store::Span<'_>,
            after: Option<&$crate::hub::ports::LinkId>,
            sieve: &$crate::query::Sieve,
            limit: usize,
        ) -> Result<$crate::hub::store::Scanned, $crate::hub::store::StoreError> {
            self.$to.scan(span, after, sieve, limit).await
        }
    };
    (@tally $to:ident) => {
        async fn tally(
            &self,
            sieve: &$crate::query::Sieve,
            by: &[$crate::query::FieldPath],
            most: usize,
        ) -> Result<Option<Vec<$crate::hub::store::Tally>>, $crate::hub::store::StoreError> {
            self.$to.tally(sieve, by, most).await
        }
    };
    (@counts $to:ident) => {
        async fn counts(&self) -> Result<$crate::hub::store::Counts, $crate::hub::store::StoreError> {
            self.$to.counts().await
        }
    };
    (@setting $to:ident) => {
        async fn setting(&self, name: &str) -> Result<Option<String>, $crate::hub::store::StoreError> {
            self.$to.setting(name).await
        }
    };
    (@document $to:ident) => {
        async fn document(
            &self,
            kind: $crate::hub::store::Kind,
            id: &str,
        ) -> Result<Option<$crate::hub::store::Document>, $crate::hub::store::StoreError> {
            self.$to.document(kind, id).await
        }
    };
    (@documents $to:ident) => {
        async fn documents(
            &self,
            kind: $crate::hub::store::Kind,
            prefix: &str,
            after: Option<&str>,
            limit: usize,
        ) -> Result<Vec<$crate::hub::store::Document>, $crate::hub::store::StoreError> {
            self.$to.documents(kind, prefix, after, limit).await
        }
    };
    (@lease $to:ident) => {
        async fn lease(
            &self,
            name: &str,
            time: std::time::Duration,
        ) -> Result<bool, $crate::hub::store::StoreError> {
            self.$to.lease(name, time).await
        }
    };
}

pub(crate) use forward;
