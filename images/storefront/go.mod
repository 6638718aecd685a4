module kubehop/images/storefront

go 1.26.0
