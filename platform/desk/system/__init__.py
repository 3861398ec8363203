"""How the installation itself is doing: processes, queues, storage, versions. Read by REST, the portal and Prometheus."""
