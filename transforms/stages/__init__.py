"""The steps of the job that read: find files, decode, OCR, SER and RE."""
