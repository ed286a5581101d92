//! provisions MySQL, its replica, the legacy database and Kafka.
