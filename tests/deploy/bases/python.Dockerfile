# Stands in for the official python image: an interpreter called `python` with venv.
ARG DEBIAN
FROM ${DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv python-is-python3 tzdata \
    && rm -rf /var/lib/apt/lists/*
