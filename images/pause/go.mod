module kubehop/images/pause

go 1.26.0
