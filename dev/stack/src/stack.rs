//! A whole stack: parts, databases, accounts, our programs, and the files that tell of them.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use parts::Wait;

use crate::accounts::{Names, Passwords, connect};
use crate::env::EnvFile;
use crate::infra::Infra;
use crate::registry::{Process, Registry};
use crate::services::Services;
use crate::{dirs, replication, schema, seed};

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    pub name: String,
    /// our own programs as well, or MySQL and Kafka alone
    pub services: bool,
}

/// A running stack. Dropping it kills its processes; [`Stack::stop`] ends them in good order.
#[derive(Debug)]
pub struct Stack {
    // in the order in which they have to go
    services: Services,
    infra: Infra,
    env: EnvFile,
    dir: PathBuf,
    _lock: File,
}

impl Stack {
    /// Starts a fresh stack; what an earlier one of this name left is reaped and removed.
    pub async fn start(options: &Options) -> Result<Self> {
        let dir = dirs::stack_dir(&options.name)?;
        let lock = lock(&dir, &options.name)?;
        let registry = Registry::of(&dir);
        registry.reap();
        match fs::remove_dir_all(&dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(e).with_context(|| format!("removing {}", dir.display()));
            }
            _ => fs::create_dir_all(dir.join("logs")).with_context(|| format!("making {}", dir.display()))?,
        }
        registry.add(&Process::of("stack", std::process::id()))?;

        let infra = Box::pin(Infra::start(&dir, &registry)).await?;
        let env = prepare(&infra).await?;
        let services = Services::none(&dir, registry);
        let mut stack = Self { services, infra, env, dir, _lock: lock };
        if options.services {
            stack.start_services().await?;
        }
        // the last thing to appear: who finds it finds a stack that is ready
        stack.env.save(&stack.env_path())?;
        Ok(stack)
    }

    async fn start_services(&mut self) -> Result<()> {
        let wait = Wait::start("starting our programs");
        Services::choose_addresses(&mut self.env)?;
        wait.step("reference data");
        let key = seed::reference_data(&self.env).await?;
        self.env.set("API_KEY", key);
        for name in Services::names() {
            wait.step(name);
            self.services.start(name, &self.env).await?;
        }
        Ok(())
    }

    /// The processes of the stack, with those that have ended.
    pub fn processes(&self) -> Vec<Process> {
        Registry::of(&self.dir).read()
    }

    /// Adds a merchant with the same contract as the first; gives its API key.
    pub async fn add_merchant(&self, merchant: &str) -> Result<String> {
        seed::merchant(&self.env, merchant).await
    }

    pub fn env(&self) -> &EnvFile {
        &self.env
    }

    pub fn env_path(&self) -> PathBuf {
        self.dir.join("env")
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// One of our running programs.
    pub fn service(&mut self, name: &str) -> Result<&mut crate::Proc> {
        self.services.get(name)
    }

    /// Starts one of our programs again after it was stopped or killed, at the same addresses.
    pub async fn restart(&mut self, name: &str) -> Result<()> {
        self.services.start(name, &self.env).await
    }

    /// Waits until something ends that should run; tells of programs of ours, returns for the parts.
    pub async fn watch(&mut self) -> String {
        let mut told: Vec<&str> = Vec::new();
        loop {
            if let Some(part) = self.infra.ended() {
                return part.to_owned();
            }
            let ended = self.services.ended();
            for name in ended.iter().filter(|name| !told.contains(name)) {
                eprintln!("{name} ended by itself; see {}", self.dir.join("logs").display());
            }
            told = ended;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Waits until the replica has all that the primary has committed by now.
    pub async fn replica_caught_up(&self) -> Result<()> {
        caught_up(&self.infra).await
    }

    /// Stops all in good order. Logs stay, data goes.
    pub async fn stop(mut self) -> Result<()> {
        let wait = Wait::start("stopping");
        fs::remove_file(self.env_path()).unwrap_or_default();
        let services = self.services.stop().await;
        wait.step("MySQL and Kafka");
        let infra = Box::pin(self.infra.stop()).await;
        for part in ["mysql-primary", "mysql-replica", "kafka"] {
            fs::remove_dir_all(self.dir.join(part)).unwrap_or_default();
        }
        fs::remove_file(self.dir.join("pids")).unwrap_or_default();
        services.and(infra)
    }
}

/// One owner a name, however many try at the same moment.
fn lock(dir: &Path, name: &str) -> Result<File> {
    let path = dir.with_extension("lock");
    let parent = path.parent().context("a stack without a folder")?;
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            bail!(
                "a stack named {name} is running: `cargo dev down --name {name}` stops it, or take another --name"
            )
        }
        Err(TryLockError::Error(e)) => Err(e).with_context(|| format!("locking {}", path.display())),
    }
}

/// Databases, accounts and grants on servers that just came up.
async fn prepare(infra: &Infra) -> Result<EnvFile> {
    let wait = Wait::start("preparing the databases");
    let (names, passwords) = (Names::default(), Passwords::random()?);
    let mut env = EnvFile::default();
    passwords.tell(&mut env, &infra.primary, &infra.replica, &names)?;
    env.set("KAFKA_BROKERS", infra.brokers.clone());

    let mut root = connect(&infra.primary.root_url("")).await?;
    passwords.apply(&mut root).await?;
    schema::create(&mut root, &names.ledger, "ledger_owner").await?;
    schema::create(&mut root, &names.legacy, "legacy_owner").await?;
    schema::let_read(&mut root, &names.legacy, "legacy_read").await?;
    wait.step("migrations");
    schema::migrate(env.get("MYSQL_OWNER_URL")?).await?;
    schema::grant(&mut connect(env.get("MYSQL_ROOT_URL")?).await?).await?;
    if schema::legacy_schema().is_file() {
        schema::load_legacy(env.get("LEGACY_URL")?).await?;
    }
    wait.step("the replica");
    caught_up(infra).await?;
    Ok(env)
}

async fn caught_up(infra: &Infra) -> Result<()> {
    let mut primary = connect(&infra.primary.root_url("")).await?;
    let mut replica = connect(&infra.replica.root_url("")).await?;
    replication::caught_up(&mut primary, &mut replica).await
}
