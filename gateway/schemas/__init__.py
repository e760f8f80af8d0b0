"""What the API shows and takes: public models, never the bus's messages nor the tables' rows."""
