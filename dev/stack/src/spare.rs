//! A MySQL server beside those of the running stack, with settings of its own: for what has to hold under other settings too.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use parts::{Mysql, Wait};

use crate::accounts::{Names, Passwords, connect, random_hex};
use crate::dirs;
use crate::env::EnvFile;
use crate::mysql::{Node, Role};
use crate::registry::{Process, Registry};
use crate::schema;

/// A primary without a replica. It ends, and its data goes, with the handle.
#[derive(Debug)]
pub struct Spare {
    env: EnvFile,
    dir: PathBuf,
    node: Option<Node>,
}

impl Spare {
    /// Starts one with these lines of `my.cnf` beside the usual ones; nothing where MySQL is not ours to start.
    pub async fn start(settings: &str) -> Result<Option<Self>> {
        let found = tokio::task::spawn_blocking(|| parts::mysql(&Wait::start("MySQL"))).await??;
        let Mysql::Server(program) = found else { return Ok(None) };
        let dir = dirs::stack_dir(&format!("spare-{}", random_hex(4)?))?;
        fs::create_dir_all(dir.join("logs")).with_context(|| format!("making {}", dir.display()))?;
        let registry = Registry::of(&dir);
        registry.add(&Process::of("spare", std::process::id()))?;
        let node = Node::start(&program, Role::Primary, &dir, &registry, settings).await?;
        let mut env = EnvFile::default();
        let (names, passwords) = (Names::default(), Passwords::random()?);
        passwords.tell(&mut env, &node.server, &node.server, &names)?;
        let mut root = connect(&node.server.root_url("")).await?;
        passwords.apply(&mut root).await?;
        schema::create(&mut root, &names.ledger, "ledger_owner").await?;
        Ok(Some(Self { env, dir, node: Some(node) }))
    }

    /// Its addresses and accounts; both servers in it are this one.
    pub const fn env(&self) -> &EnvFile {
        &self.env
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        drop(self.node.take());
        if let Err(error) = fs::remove_dir_all(&self.dir) {
            eprintln!("{} could not be removed: {error}", self.dir.display());
        }
    }
}
