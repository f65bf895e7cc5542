PRAGMA page_size = 1024;
BEGIN TRANSACTION;
CREATE TABLE account (
	player TEXT NOT NULL, 
	store TEXT NOT NULL, 
	gold INTEGER NOT NULL, 
	gold_escrowed INTEGER NOT NULL, 
	gold_waiting INTEGER NOT NULL, 
	gold_elsewhere INTEGER NOT NULL, 
	gold_granted INTEGER NOT NULL, 
	gold_burned INTEGER NOT NULL, 
	items_granted INTEGER NOT NULL, 
	items_burned INTEGER NOT NULL, 
	items_made INTEGER NOT NULL, 
	listings_made INTEGER NOT NULL, 
	deliveries_made INTEGER NOT NULL, 
	notices_made INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (player)
)
 STRICT

;
INSERT INTO "account" VALUES('ann','ezkioxgtw4osk4l3pwdxthu2lq',589,60,0,-165,500,16,4,0,4,2,1,2,3524230051);
CREATE TABLE bids (
	listing TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	winning INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (listing)
)
 STRICT

;
CREATE TABLE commodities (
	commodity TEXT NOT NULL, 
	quantity INTEGER NOT NULL, 
	granted INTEGER NOT NULL, 
	burned INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (commodity)
)
 STRICT

;
INSERT INTO "commodities" VALUES('tin',7,7,0,1728313190);
CREATE TABLE deliveries (
	delivery TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	gold INTEGER NOT NULL, 
	items TEXT NOT NULL, 
	commodities TEXT NOT NULL, 
	listing TEXT, 
	at_ms INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (delivery)
)
 STRICT

;
CREATE TABLE items (
	item TEXT NOT NULL, 
	base TEXT NOT NULL, 
	name TEXT NOT NULL, 
	category TEXT NOT NULL, 
	rarity TEXT NOT NULL, 
	level INTEGER NOT NULL, 
	stats TEXT NOT NULL, 
	bound INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (item)
)
 STRICT

;
INSERT INTO "items" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.i1','tide_oar','Tide Oar','oars','plain',73,'{}',0,3993318582);
INSERT INTO "items" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.i2','tide_oar','Tide Oar','oars','plain',16,'{"weight":31}',0,3708623006);
CREATE TABLE keys (
	"key" TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	refused INTEGER NOT NULL, 
	answer TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	untold INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY ("key")
)
 STRICT

;
INSERT INTO "keys" VALUES('admin:mint
g1','Wiw5FVuWaXgxeBwr7sITNg==',0,'g6ZwbGF5ZXKjYW5upGdvbGTNAfSlaXRlbXOSiKRpdGVtvWV6a2lveGd0dzRvc2s0bDNwd2R4dGh1MmxxLmkxpGJhc2WodGlkZV9vYXKkbmFtZahUaWRlIE9hcqhjYXRlZ29yeaRvYXJzpnJhcml0eaVwbGFpbqVsZXZlbEmlc3RhdHOApWJvdW5kwoikaXRlbb1lemtpb3hndHc0b3NrNGwzcHdkeHRodTJscS5pMqRiYXNlqHRpZGVfb2FypG5hbWWoVGlkZSBPYXKoY2F0ZWdvcnmkb2Fyc6ZyYXJpdHmlcGxhaW6lbGV2ZWwQpXN0YXRzgaZ3ZWlnaHQfpWJvdW5kwg==',1700000000000,0,2452515976);
INSERT INTO "keys" VALUES('admin:mint
g4','tano52HxZIlaqOVpwYaAMQ==',0,'g6ZwbGF5ZXKjYW5upGdvbGQApWl0ZW1zkYikaXRlbb1lemtpb3hndHc0b3NrNGwzcHdkeHRodTJscS5pM6RiYXNlqHRpZGVfb2FypG5hbWWoVGlkZSBPYXKoY2F0ZWdvcnmkb2Fyc6ZyYXJpdHmkcmFyZaVsZXZlbDGlc3RhdHOCpXJlYWNoUKZ3ZWlnaHRqpWJvdW5kwg==',1700000000000,0,3592227318);
INSERT INTO "keys" VALUES('admin:mint
g5','tano52HxZIlaqOVpwYaAMQ==',0,'g6ZwbGF5ZXKjYW5upGdvbGQApWl0ZW1zkYikaXRlbb1lemtpb3hndHc0b3NrNGwzcHdkeHRodTJscS5pNKRiYXNlqHRpZGVfb2FypG5hbWWoVGlkZSBPYXKoY2F0ZWdvcnmkb2Fyc6ZyYXJpdHmlcGxhaW6lbGV2ZWw4pXN0YXRzgKVib3VuZMI=',1700003600000,0,3034274227);
CREATE TABLE ledger (
	number INTEGER NOT NULL, 
	at_ms INTEGER NOT NULL, 
	debit TEXT NOT NULL, 
	credit TEXT NOT NULL, 
	amount INTEGER NOT NULL, 
	reason TEXT NOT NULL, 
	ref TEXT, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (number)
)
 STRICT

;
INSERT INTO "ledger" VALUES(1,1700000000000,'wallet','granted',500,'grant',NULL,2477854859);
INSERT INTO "ledger" VALUES(2,1700000000000,'escrow','elsewhere',100,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l1',3340613450);
INSERT INTO "ledger" VALUES(3,1700000000000,'escrow','elsewhere',150,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l1',382793379);
INSERT INTO "ledger" VALUES(4,1700000000000,'elsewhere','escrow',100,'refund','ezkioxgtw4osk4l3pwdxthu2lq.l1',1859778879);
INSERT INTO "ledger" VALUES(5,1700003600000,'burned','escrow',16,'fee','ezkioxgtw4osk4l3pwdxthu2lq.l1',2343554929);
INSERT INTO "ledger" VALUES(6,1700003600000,'elsewhere','escrow',45,'refund','ezkioxgtw4osk4l3pwdxthu2lq.l1',9193290);
INSERT INTO "ledger" VALUES(7,1700003600000,'waiting','escrow',89,'proceeds','ezkioxgtw4osk4l3pwdxthu2lq.d1',935517112);
INSERT INTO "ledger" VALUES(8,1700003600000,'wallet','waiting',89,'claim','ezkioxgtw4osk4l3pwdxthu2lq.d1',1716825859);
INSERT INTO "ledger" VALUES(9,1700003600000,'escrow','elsewhere',60,'bid','ezkioxgtw4osk4l3pwdxthu2lq.l2',2967913505);
CREATE TABLE listings (
	listing TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	version INTEGER NOT NULL, 
	seller TEXT NOT NULL, 
	item TEXT NOT NULL, 
	state TEXT NOT NULL, 
	start_bid INTEGER, 
	buyout INTEGER, 
	price INTEGER, 
	leader TEXT, 
	leader_max INTEGER NOT NULL, 
	bids INTEGER NOT NULL, 
	deposit INTEGER NOT NULL, 
	created_at_ms INTEGER NOT NULL, 
	ends_at_ms INTEGER NOT NULL, 
	first_ends_at_ms INTEGER NOT NULL, 
	rules TEXT NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (listing)
)
 STRICT

;
INSERT INTO "listings" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.l1',1,4,'ann','{"item":"ezkioxgtw4osk4l3pwdxthu2lq.i3","base":"tide_oar","name":"Tide Oar","category":"oars","rarity":"rare","level":49,"stats":{"reach":80,"weight":106},"bound":false}','sold',10,400,105,'cyd',0,2,0,1700000000000,1700003600000,1700003600000,'{"fee_bp":1500,"increment_bp":500,"increment_min":1,"price_max":9007199254740991,"cancel_window_s":300,"snipe_window_s":30,"snipe_extension_s":30,"snipe_max_s":600}',1282073441);
INSERT INTO "listings" VALUES('ezkioxgtw4osk4l3pwdxthu2lq.l2',2,2,'ann','{"item":"ezkioxgtw4osk4l3pwdxthu2lq.i4","base":"tide_oar","name":"Tide Oar","category":"oars","rarity":"plain","level":56,"stats":{},"bound":false}','open',20,NULL,20,'bob',60,1,0,1700003600000,1700007200000,1700007200000,'{"fee_bp":1500,"increment_bp":500,"increment_min":1,"price_max":9007199254740991,"cancel_window_s":300,"snipe_window_s":30,"snipe_extension_s":30,"snipe_max_s":600}',1416541599);
CREATE TABLE notices (
	seq INTEGER NOT NULL, 
	type TEXT NOT NULL, 
	at_ms INTEGER NOT NULL, 
	data TEXT NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (seq)
)
 STRICT

;
INSERT INTO "notices" VALUES(1,'listing.sold',1700003600000,'{"listing":"ezkioxgtw4osk4l3pwdxthu2lq.l1","price":105,"proceeds":89}',3258331008);
INSERT INTO "notices" VALUES(2,'delivery.arrived',1700003600000,'{"delivery":"ezkioxgtw4osk4l3pwdxthu2lq.d1","kind":"proceeds"}',3481773878);
CREATE TABLE store (
	store TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	player TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	start TEXT NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
INSERT INTO "store" VALUES('ezkioxgtw4osk4l3pwdxthu2lq','player',1,'ann',12,'0001020304050607');
CREATE TABLE transfers_in (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
CREATE TABLE transfers_out (
	store TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	row_checksum INTEGER NOT NULL, 
	PRIMARY KEY (store)
)
 STRICT

;
INSERT INTO "transfers_out" VALUES('jaiji56eglhtzwmeogpqqxhapu',1,519329051);
INSERT INTO "transfers_out" VALUES('u4dbtkur3pixhhngv7je5o3vom',1,2829451495);
COMMIT;
