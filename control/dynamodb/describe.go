package dynamodb

import (
	"time"

	"github.com/sockgate/sockgate/service/table"
)

// object is a JSON object of an answer that is not sent often.
type object = map[string]any

// describe makes a TableDescription.
func (s *Service) describe(d *table.Definition) object {
	count, size := s.Tables.Counts(d, 0)
	o := object{
		"TableName": d.Name, "TableArn": s.arn(d.Name), "TableId": d.UUID, "TableStatus": d.Status, "CreationDateTime": unixTime(d.Created),
		"AttributeDefinitions": describeAttributes(d), "KeySchema": describeKey(d.Key), "ItemCount": count, "TableSizeBytes": size,
		"ProvisionedThroughput": describeThroughput(d.Throughput), "DeletionProtectionEnabled": d.Protected,
		"WarmThroughput": describeWarm(d.Billing, d.Throughput),
	}
	if d.Billing == table.PayPerRequest {
		o["BillingModeSummary"] = object{"BillingMode": d.Billing, "LastUpdateToPayPerRequestDateTime": unixTime(d.OnDemandAt)}
		o["TableThroughputModeSummary"] = object{"TableThroughputMode": d.Billing, "LastUpdateToPayPerRequestDateTime": unixTime(d.OnDemandAt)}
	} else if !d.OnDemandAt.IsZero() {
		o["BillingModeSummary"] = object{"BillingMode": d.Billing, "LastUpdateToPayPerRequestDateTime": unixTime(d.OnDemandAt)}
	}
	if d.Class != "" {
		o["TableClassSummary"] = object{"TableClass": d.Class}
	}
	if d.MaxRead != 0 || d.MaxWrite != 0 {
		o["OnDemandThroughput"] = describeOnDemand(d.MaxRead, d.MaxWrite)
	}
	if d.SSE {
		o["SSEDescription"] = object{"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": s.kmsKey(d)}
	}
	if last := d.LatestStream(); last != nil {
		o["LatestStreamArn"], o["LatestStreamLabel"] = s.arn(d.Name+"/stream/"+last.Label), last.Label
	}
	if on := d.Stream(); on != nil {
		o["StreamSpecification"] = object{"StreamEnabled": true, "StreamViewType": on.View}
	}
	if local, global := s.describeIndexes(d); true {
		if len(local) > 0 {
			o["LocalSecondaryIndexes"] = local
		}
		if len(global) > 0 {
			o["GlobalSecondaryIndexes"] = global
		}
	}
	return o
}

func (s *Service) kmsKey(d *table.Definition) string {
	if d.KMSKey != "" {
		return d.KMSKey
	}
	return "arn:aws:kms:" + s.Region + ":" + s.Account + ":alias/aws/dynamodb"
}

func describeAttributes(d *table.Definition) []object {
	list := make([]object, len(d.Attributes))
	for i, a := range d.Attributes {
		list[i] = object{"AttributeName": a.Name, "AttributeType": a.Kind.String()}
	}
	return list
}

func describeKey(k table.Key) []object {
	list := []object{{"AttributeName": k.Hash, "KeyType": "HASH"}}
	if k.Range != "" {
		list = append(list, object{"AttributeName": k.Range, "KeyType": "RANGE"})
	}
	return list
}

func describeThroughput(t table.Throughput) object {
	o := object{"ReadCapacityUnits": t.Read, "WriteCapacityUnits": t.Write, "NumberOfDecreasesToday": t.Decreases}
	for name, at := range map[string]time.Time{"LastIncreaseDateTime": t.Increased, "LastDecreaseDateTime": t.Decreased} {
		if !at.IsZero() {
			o[name] = unixTime(at)
		}
	}
	return o
}

// describeWarm tells what a table can take at once: as at AWS, a new on-demand table's 12,000 reads and 4,000 writes.
func describeWarm(billing string, t table.Throughput) object {
	if billing == table.PayPerRequest {
		return object{"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"}
	}
	return object{"ReadUnitsPerSecond": t.Read, "WriteUnitsPerSecond": t.Write, "Status": "ACTIVE"}
}

func describeOnDemand(read, write int64) object {
	o := object{}
	if read != 0 {
		o["MaxReadRequestUnits"] = read
	}
	if write != 0 {
		o["MaxWriteRequestUnits"] = write
	}
	return o
}

func (s *Service) describeIndexes(d *table.Definition) (local, global []object) {
	for i := range d.Indexes {
		x := &d.Indexes[i]
		count, size := s.Tables.Counts(d, x.ID)
		projection := object{"ProjectionType": x.Projection}
		if x.NonKey != nil {
			projection["NonKeyAttributes"] = x.NonKey
		}
		o := object{
			"IndexName": x.Name, "IndexArn": s.arn(d.Name + "/index/" + x.Name), "KeySchema": describeKey(x.Key), "Projection": projection,
			"ItemCount": count, "IndexSizeBytes": size,
		}
		if !x.Global {
			local = append(local, o)
			continue
		}
		o["IndexStatus"] = x.Status
		o["ProvisionedThroughput"] = describeThroughput(x.Throughput)
		o["WarmThroughput"] = describeWarm(d.Billing, x.Throughput)
		if x.Backfilling {
			o["Backfilling"] = true
		}
		if x.MaxRead != 0 || x.MaxWrite != 0 {
			o["OnDemandThroughput"] = describeOnDemand(x.MaxRead, x.MaxWrite)
		}
		global = append(global, o)
	}
	return local, global
}
