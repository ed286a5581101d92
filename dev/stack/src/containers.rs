//! The same parts from images, where a container engine answers. Containers go with their handles.

use std::path::Path;

use anyhow::{Context, Result};
use testcontainers::core::{IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ImageExt};
use testcontainers_modules::kafka::apache;
use testcontainers_modules::mysql::Mysql;

use crate::accounts::random_hex;
use crate::mysql::RECOMMENDED;
use crate::replication::follow_at;
use crate::server::{Server, escaped};

const MYSQL_TAG: &str = "9";
const MYSQL_PORT: u16 = 3306;
const SETTINGS: [&str; 8] = [
    "--gtid-mode=ON",
    "--enforce-gtid-consistency=ON",
    "--log-bin=binlog",
    "--skip-name-resolve",
    "--local-infile=OFF",
    "--max-connections=500",
    "--innodb-buffer-pool-size=256M",
    "--default-time-zone=+00:00",
];

/// A primary and its replica.
#[derive(Debug)]
pub(crate) struct MysqlContainers {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
    containers: [ContainerAsync<Mysql>; 2],
}

impl MysqlContainers {
    pub(crate) async fn start(dir: &Path) -> Result<Self> {
        let (first, second) = tokio::try_join!(start_mysql(1, dir), start_mysql(2, dir))?;
        let (source, primary) = first;
        let (target, replica) = second;
        // the entry script of the image leaves no transaction behind that the primary would lack
        let host = source.get_bridge_ip_address().await.context("the primary's address among containers")?;
        let (from, to) = (primary.root_url(""), replica.root_url(""));
        follow_at(&from, &to, &host.to_string(), MYSQL_PORT, None).await?;
        Ok(Self { primary, replica, containers: [source, target] })
    }

    pub(crate) async fn stop(self) -> Result<()> {
        for container in self.containers {
            container.rm().await.context("removing a MySQL container")?;
        }
        Ok(())
    }
}

async fn start_mysql(id: u32, dir: &Path) -> Result<(ContainerAsync<Mysql>, Server)> {
    let password = random_hex(16)?;
    let recommended = RECOMMENDED.iter().map(|setting| format!("--{setting}"));
    let settings = SETTINGS.iter().map(|setting| (*setting).to_owned()).chain(recommended);
    let container = Mysql::default()
        .with_tag(MYSQL_TAG)
        .with_env_var("MYSQL_ROOT_PASSWORD", &password)
        .with_mount(Mount::tmpfs_mount("/tmp"))
        .with_cmd(settings.chain([format!("--server-id={id}")]))
        .start()
        .await?;
    let ca = dir.join(format!("mysql-{id}-ca.pem"));
    container
        .copy_file_from("/var/lib/mysql/ca.pem", ca.as_path())
        .await
        .context("copying the server's certificate")?;
    let authority =
        format!("{}:{}", container.get_host().await?, container.get_host_port_ipv4(MYSQL_PORT.tcp()).await?);
    let query = format!("ssl-mode=VERIFY_CA&ssl-ca={}", escaped(&ca));
    Ok((container, Server::new(authority, format!("root:{password}"), query)))
}

/// One broker.
#[derive(Debug)]
pub(crate) struct KafkaContainer {
    pub(crate) brokers: String,
    container: ContainerAsync<apache::Kafka>,
}

impl KafkaContainer {
    pub(crate) async fn start() -> Result<Self> {
        let image = apache::Kafka::default().with_jvm_image();
        let container = image
            .with_tag("4.1.1")
            .with_env_var("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
            .with_env_var("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
            .with_env_var("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
            .with_env_var("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0")
            .start()
            .await?;
        let port = container.get_host_port_ipv4(apache::KAFKA_PORT).await?;
        Ok(Self { brokers: format!("{}:{port}", container.get_host().await?), container })
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.container.rm().await.context("removing the Kafka container")
    }
}
