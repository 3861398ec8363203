-- Once per server, as its superuser: the owner of the schema, the platform's own role, and both databases.
--   psql --set owner_password=... --set app_password=... --file docker/postgres/roles.sql
-- What desk_app may do with the tables follows from manage.py database_roles, after each migration.
CREATE ROLE desk_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE desk_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
CREATE DATABASE desk OWNER desk_owner TEMPLATE template0 ENCODING 'UTF8';
CREATE DATABASE quotes OWNER desk_owner TEMPLATE template0 ENCODING 'UTF8';
REVOKE ALL ON DATABASE desk, quotes FROM PUBLIC;
-- TEMPORARY: bulk loads merge from temporary tables.
GRANT CONNECT, TEMPORARY ON DATABASE desk, quotes TO desk_owner, desk_app;
