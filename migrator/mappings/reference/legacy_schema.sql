-- The reference legacy family: six tables of a gateway that grew for twenty years. Amounts are text, days and times are
-- CHAR on a Korean wall clock, Korean text lies as CP949 bytes in single-byte columns, rows are changed in place.
-- A table whose changes can be found by time has CHG_DTM; the card tables have none, their writers stamp TB_PAY_MST.
CREATE TABLE IF NOT EXISTS TB_PAY_MST (
  TID     CHAR(24)     NOT NULL,
  MID     VARCHAR(20)  NULL,
  OID     VARCHAR(64)  NULL,
  PAY_TP  CHAR(6)      NULL,
  AMT     VARCHAR(12)  NULL,
  STAT    CHAR(1)      NULL,
  ETC1    VARCHAR(100) NULL,
  DEL_YN  CHAR(1)      NOT NULL DEFAULT 'N',
  REG_DT  CHAR(14)     NULL,
  CHG_DTM DATETIME     NOT NULL,
  PRIMARY KEY (TID),
  KEY IX_PAY_MST_CHG (CHG_DTM)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;

CREATE TABLE IF NOT EXISTS TB_CARD_APPR (
  TID     CHAR(24)       NOT NULL,
  APPR_NO CHAR(8)        NOT NULL,
  AMT     VARCHAR(12)    NULL,
  APPR_DT CHAR(8)        NULL,
  APPR_TM CHAR(6)        NULL,
  CARD_CD CHAR(2)        NULL,
  CARD_NO VARCHAR(20)    NULL,
  QUOTA   CHAR(2)        NULL,
  VAT     DECIMAL(12, 0) NULL,
  STAT    CHAR(1)        NULL,
  PRIMARY KEY (TID, APPR_NO)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;

-- Full cancels only; no amount means what is left.
CREATE TABLE IF NOT EXISTS TB_CARD_CNCL (
  TID      CHAR(24)     NOT NULL,
  CNCL_DT  CHAR(8)      NULL,
  CNCL_TM  CHAR(6)      NULL,
  CNCL_AMT VARCHAR(12)  NULL,
  CNCL_RSN VARCHAR(100) NULL,
  PRIMARY KEY (TID)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;

CREATE TABLE IF NOT EXISTS TB_CARD_PART_CNCL (
  TID      CHAR(24)       NOT NULL,
  SEQ      INT            NOT NULL,
  CNCL_AMT DECIMAL(12, 2) NULL,
  RMN_AMT  DECIMAL(12, 2) NULL,
  CNCL_DT  CHAR(8)        NULL,
  CNCL_TM  CHAR(6)        NULL,
  CNCL_RSN VARCHAR(100)   NULL,
  PRIMARY KEY (TID, SEQ)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;

CREATE TABLE IF NOT EXISTS TB_ACNT_TRAN (
  TR_NO   BIGINT UNSIGNED NOT NULL,
  MID     VARCHAR(20)     NULL,
  OID     VARCHAR(64)     NULL,
  AMT     DECIMAL(15, 0)  NULL,
  BANK_CD CHAR(3)         NULL,
  TR_DTM  DATETIME        NULL,
  HOLDER  VARCHAR(30)     NULL,
  DEL_YN  CHAR(1)         NOT NULL DEFAULT 'N',
  CHG_DTM DATETIME        NOT NULL,
  PRIMARY KEY (TR_NO),
  KEY IX_ACNT_TRAN_CHG (CHG_DTM)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;

-- Looks universal, holds refunds of account transfers only; rows are only inserted.
CREATE TABLE IF NOT EXISTS REFUND (
  RFND_NO   BIGINT UNSIGNED NOT NULL,
  ORG_TR_NO BIGINT UNSIGNED NOT NULL,
  RFND_AMT  VARCHAR(15)     NULL,
  RFND_DTM  DATETIME        NULL,
  RFND_TP   CHAR(1)         NULL,
  PRIMARY KEY (RFND_NO),
  KEY IX_REFUND_ORG (ORG_TR_NO),
  KEY IX_REFUND_DTM (RFND_DTM)
) DEFAULT CHARSET = latin1 COLLATE = latin1_bin;
